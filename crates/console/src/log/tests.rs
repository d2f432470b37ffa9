//! Tests of whole logs as a view shows them.

use super::index::Block;
use super::rows::ScreenRow;
use super::*;
use paddock_agents::transcript::Setting;

/// The bytes of a stream, in place of its segment files.
#[derive(Debug, Clone, Default)]
struct Memory(Vec<u8>);

impl Memory {
    fn read(&self, block: &Block) -> Vec<u8> {
        let at = |place: u64| usize::try_from(place).unwrap().min(self.0.len());
        self.0[at(block.offset)..at(block.end)].to_vec()
    }
}

struct Log {
    doc: Shared,
    out: Memory,
    err: Memory,
}

impl Log {
    fn new() -> Self {
        let setting = Setting { now_ms: 0, zone: jiff::tz::TimeZone::UTC };
        Self { doc: Shared::new(Doc::new("plain", setting)), out: Memory::default(), err: Memory::default() }
    }

    fn with(text: &str) -> Self {
        let mut log = Self::new();
        log.write(text);
        log
    }

    fn write(&mut self, text: &str) {
        self.push(Stream::Stdout, text.as_bytes());
    }

    fn push(&mut self, stream: Stream, bytes: &[u8]) {
        let memory = if stream == Stream::Stdout { &mut self.out } else { &mut self.err };
        memory.0.extend(bytes);
        let chunk = Chunk { offset: self.doc.doc.end(stream), gap_bytes: 0, bytes };
        self.doc.doc.push(stream, chunk, None);
    }

    /// Fills in the wanted text, as the follower thread does. Returns whether any was wanted.
    fn serve(&mut self) -> bool {
        let wanted = self.doc.doc.take_wanted();
        for (stream, block) in &wanted {
            let memory = if *stream == Stream::Stdout { &self.out } else { &self.err };
            let bytes = memory.read(block);
            self.doc.doc.fill(*stream, block, &bytes);
        }
        !wanted.is_empty()
    }

    /// Returns the rows shown once all wanted text has been filled in.
    fn settled(&mut self, view: &mut View, width: usize, height: usize) -> Vec<String> {
        loop {
            let rows = shown(view, &mut self.doc, width, height);
            if !self.serve() {
                return rows;
            }
        }
    }
}

fn shown(view: &mut View, doc: &mut Shared, width: usize, height: usize) -> Vec<String> {
    let row = |row: ScreenRow| {
        let text: String = row.runs.iter().map(|run| run.text.as_str()).collect();
        let text = row.folded.map_or(text, |lines| format!("… {lines} more"));
        let (cursor, verb) = (if row.is_cursor { ">" } else { " " }, row.verb.unwrap_or_default());
        format!("{cursor}{verb:<width$}{text}", width = row.indent).trim_end().to_owned()
    };
    view.draw(doc, width, height).into_iter().map(row).collect()
}

fn numbered(from: u32, until: u32) -> String {
    (from..until).map(|n| format!("line {n}\n")).collect()
}

const SESSION: &str = "work session, attempt 1: Cart\nwrite src/cart.rs\nrun cargo test\na\nb\nc\nd\ne\nf\n\
    commit Add the cart\n---SESSION_SUMMARY---\nstatus: completed\nsummary: \"done\"\n---END_SESSION_SUMMARY---\n";

#[test]
fn a_session_reads_as_verbs_with_its_output_folded() {
    let mut log = Log::with(SESSION);
    let mut view = View::default();
    let expected = [
        " work session, attempt 1: Cart",
        " edits  src/cart.rs",
        " runs   cargo test",
        "        a",
        "        … 4 more",
        "        f",
        " commit Add the cart",
        " completed: done",
    ];
    let mut expected: Vec<String> = expected.map(str::to_owned).to_vec();
    expected.insert(5, "        e".to_owned());
    expected[4] = "        … 3 more".to_owned();
    assert_eq!(shown(&mut view, &mut log.doc, 60, 20), expected);
}

#[test]
fn enter_unfolds_and_folds_again() {
    let mut log = Log::with(SESSION);
    let mut view = View::default();
    shown(&mut view, &mut log.doc, 60, 20);
    view.move_by(&mut log.doc, -3);
    assert!(view.toggle_fold(&mut log.doc));
    let rows = shown(&mut view, &mut log.doc, 60, 20);
    assert_eq!(rows[3..9], [">       a", "        b", "        c", "        d", "        e", "        f"]);
    assert!(view.toggle_fold(&mut log.doc));
    assert_eq!(shown(&mut view, &mut log.doc, 60, 20)[4], "        … 3 more");
}

#[test]
fn a_view_follows_the_end_until_it_is_scrolled_and_then_holds_still() {
    let mut log = Log::with(&numbered(0, 100));
    log.doc.catch_up();
    let mut view = View::default();
    assert_eq!(shown(&mut view, &mut log.doc, 40, 3), [" line 97", " line 98", " line 99"]);
    view.move_by(&mut log.doc, -4);
    let before = shown(&mut view, &mut log.doc, 40, 3);
    assert_eq!(before, [">line 95", " line 96", " line 97"]);
    log.write(&numbered(100, 150));
    assert_eq!(shown(&mut view, &mut log.doc, 40, 3), before);
    assert_eq!(view.new_lines(&log.doc), 50);
    view.follow();
    assert_eq!(shown(&mut view, &mut log.doc, 40, 3)[2], " line 149");
    assert_eq!(view.new_lines(&log.doc), 0);
}

#[test]
fn lines_written_before_a_log_was_opened_are_not_new() {
    let mut log = Log::with(&numbered(0, 100));
    let mut view = View::default();
    shown(&mut view, &mut log.doc, 40, 3);
    view.to_top(&mut log.doc);
    log.write(&numbered(100, 200));
    assert_eq!(view.new_lines(&log.doc), 0);
    log.doc.catch_up();
    log.write(&numbered(200, 203));
    assert_eq!(view.new_lines(&log.doc), 3);
}

#[test]
fn scrolling_by_pages_reaches_both_ends_and_shows_every_line_once() {
    let mut log = Log::with(&numbered(0, 50));
    let mut view = View::default();
    shown(&mut view, &mut log.doc, 40, 10);
    let mut seen = Vec::new();
    view.to_top(&mut log.doc);
    for _ in 0..5 {
        let rows = shown(&mut view, &mut log.doc, 40, 10);
        seen.extend(rows.iter().map(|row| row[1..].to_owned()));
        view.scroll_by(&mut log.doc, 10);
    }
    let all: Vec<String> = (0..50).map(|n| format!("line {n}")).collect();
    assert_eq!(seen, all);
    for _ in 0..7 {
        view.scroll_by(&mut log.doc, -10);
    }
    assert_eq!(shown(&mut view, &mut log.doc, 40, 10)[0], ">line 0");
}

#[test]
fn long_lines_are_wrapped_and_can_be_scrolled_through() {
    let mut log = Log::with(&format!("short\n{}\nend\n", "0123456789".repeat(10)));
    let mut view = View::default();
    view.next_mode(&mut log.doc);
    assert_eq!(
        shown(&mut view, &mut log.doc, 30, 3),
        [" 012345678901234567890123456789".to_owned(), " 0123456789".to_owned(), " end".to_owned()]
    );
    view.scroll_by(&mut log.doc, -1);
    assert_eq!(shown(&mut view, &mut log.doc, 30, 3).len(), 3);
    view.toggle_wrap();
    view.follow();
    assert_eq!(shown(&mut view, &mut log.doc, 30, 3)[1], " 012345678901234567890123456789");
}

#[test]
fn a_search_finds_lines_that_a_fold_hides() {
    let mut log = Log::with(SESSION);
    let mut view = View::default();
    let matcher = Matcher::new("^c$").unwrap();
    let mut search = Search {
        mode: Mode::Readable,
        matcher: matcher.clone(),
        from: view.cursor(&mut log.doc),
        forward: true,
        has_turned: false,
    };
    let from = search.from;
    let Step::Found(place) = search.go_on(&mut log.doc.doc, from, 1000) else { panic!("not found") };
    view.set_find(Some(matcher));
    view.go_to(&mut log.doc, place);
    let rows = shown(&mut view, &mut log.doc, 60, 20);
    assert!(rows.contains(&">       c".to_owned()), "{rows:?}");
    search.matcher = Matcher::new("nowhere").unwrap();
    search.has_turned = false;
    assert_eq!(search.go_on(&mut log.doc.doc, from, 1000), Step::Nowhere);
}

#[test]
fn a_filter_shows_matching_lines_and_new_ones_as_they_arrive() {
    let mut log = Log::with(&numbered(0, 100));
    let mut view = View::default();
    view.set_filter(&mut log.doc, Matcher::new("7$"));
    while log.doc.filter_on(30) {}
    let rows = shown(&mut view, &mut log.doc, 40, 20);
    assert_eq!(rows.len(), 10);
    assert_eq!(rows[9], " line 97");
    log.write("half of 1");
    log.doc.filter_on(30);
    log.write("7\nother\n");
    log.doc.filter_on(30);
    assert_eq!(shown(&mut view, &mut log.doc, 40, 20)[10], " half of 17");
    view.move_by(&mut log.doc, -3);
    view.set_filter(&mut log.doc, None);
    assert!(shown(&mut view, &mut log.doc, 40, 5).contains(&">line 77".to_owned()));
}

#[test]
fn standard_error_is_shown_and_binary_output_does_no_harm() {
    let mut log = Log::with("hello\n");
    log.push(Stream::Stderr, b"it \x1b[31mfailed\x1b[0m\n");
    log.push(Stream::Stdout, b"\x00\xff\x1b]0;x\x07\x9b2J\xe7\x99\n");
    let mut view = View::default();
    let rows = shown(&mut view, &mut log.doc, 40, 5);
    assert_eq!(rows[..2], [" hello", " error  it failed"]);
    assert!(rows[2].chars().all(|c| !c.is_control()), "{rows:?}");
}

#[test]
fn dropped_bytes_show_as_a_gap() {
    let mut log = Log::with("one\ntwo");
    let chunk = Chunk { offset: 5_000_007, gap_bytes: 5_000_000, bytes: b"three\nfour\n" };
    log.doc.doc.push(Stream::Stdout, chunk, None);
    let mut view = View::default();
    let rows = shown(&mut view, &mut log.doc, 60, 9);
    assert!(rows.contains(&" 5000 kB of output were dropped to keep the log small".to_owned()), "{rows:?}");
    view.next_mode(&mut log.doc);
    let rows = log.settled(&mut view, 60, 9);
    assert_eq!(rows[..3], [" one", " two", " … 5000 kB dropped here to keep the log small"]);
    assert_eq!(rows.len(), 5);
}

#[test]
fn a_line_of_a_hundred_megabytes_is_scrolled_like_any_other() {
    let mut log = Log::new();
    let piece = "x".repeat(1 << 20);
    for _ in 0..8 {
        log.write(&piece);
    }
    log.write("\nend\n");
    let mut view = View::default();
    view.next_mode(&mut log.doc);
    assert_eq!(shown(&mut view, &mut log.doc, 80, 24)[23], " end");
    view.scroll_by(&mut log.doc, -500);
    assert_eq!(log.settled(&mut view, 80, 24).len(), 24);
    view.to_top(&mut log.doc);
    assert_eq!(log.settled(&mut view, 80, 24)[0].len(), 81);
}

#[test]
fn a_frame_stays_until_the_text_of_the_next_one_was_read() {
    let mut log = Log::with(&numbered(0, 100_000));
    let mut view = View::default();
    let end = shown(&mut view, &mut log.doc, 40, 3);
    assert_eq!(end, [" line 99997", " line 99998", " line 99999"], "the end never has to be read");
    view.to_top(&mut log.doc);
    assert_eq!(shown(&mut view, &mut log.doc, 40, 3), end);
    assert!(log.doc.doc.wants());
    assert!(log.serve());
    assert_eq!(shown(&mut view, &mut log.doc, 40, 3), [">line 0", " line 1", " line 2"]);
    assert!(!log.doc.doc.wants(), "cached text is not wanted again");
}

#[test]
fn a_first_frame_without_text_shows_placeholders() {
    let mut log = Log::with(&numbered(0, 100_000));
    let mut view = View::default();
    view.to_top(&mut log.doc);
    assert_eq!(shown(&mut view, &mut log.doc, 40, 3)[1..], [" …", " …"]);
    assert_eq!(log.settled(&mut view, 40, 3), [">line 0", " line 1", " line 2"]);
}

#[test]
fn pages_turned_faster_than_the_disk_reads_are_not_lost() {
    let text: String = (0..40_000).map(|n| format!("{n} {}\n", "x".repeat(n % 50))).collect();
    let mut log = Log::with(&text);
    let mut view = View::default();
    view.next_mode(&mut log.doc);
    view.to_top(&mut log.doc);
    log.settled(&mut view, 30, 10);
    let mut patient = View::default();
    patient.next_mode(&mut log.doc);
    patient.to_top(&mut log.doc);
    log.settled(&mut patient, 30, 10);
    for _ in 0..100 {
        patient.scroll_by(&mut log.doc, 9);
        log.settled(&mut patient, 30, 10);
    }
    let mut slow = Log::with(&text);
    slow.settled(&mut view, 30, 10);
    for _ in 0..100 {
        view.scroll_by(&mut slow.doc, 9);
    }
    let (at_once, one_by_one) = (slow.settled(&mut view, 30, 10), log.settled(&mut patient, 30, 10));
    assert_eq!(at_once[0][1..], one_by_one[0][1..]);
}

#[test]
fn a_search_goes_through_text_that_has_to_be_read_and_once_around() {
    let mut log = Log::with(&numbered(0, 100_000));
    let from = Place { entry: 0, line: 50_000 };
    for (wanted, forward, place) in [("^line 7$", true, 7), ("^line 50001$", false, 50_001)] {
        let matcher = Matcher::new(wanted).unwrap();
        let mode = Mode::Raw(Raw::Out);
        let mut search = Search { mode, matcher, from, forward, has_turned: false };
        let mut at = from;
        let found = loop {
            match search.go_on(&mut log.doc.doc, at, 4_000) {
                Step::GoOn(next) => at = next,
                other => break other,
            }
            log.serve();
        };
        assert_eq!(found, Step::Found(Place { entry: 0, line: place }), "{wanted}");
    }
}

#[test]
fn an_empty_log_takes_every_key() {
    let mut log = Log::new();
    let mut view = View::default();
    assert!(shown(&mut view, &mut log.doc, 80, 24).is_empty());
    view.move_by(&mut log.doc, -1);
    view.scroll_by(&mut log.doc, -5);
    view.to_top(&mut log.doc);
    assert!(!view.toggle_fold(&mut log.doc));
    assert_eq!(view.cursor_text(&mut log.doc).unwrap(), "… no longer kept");
    assert!(shown(&mut view, &mut log.doc, 80, 24).is_empty());
    log.write("first\n");
    assert_eq!(shown(&mut view, &mut log.doc, 80, 24), [">first"]);
    assert!(shown(&mut view, &mut log.doc, 0, 0).is_empty());
    assert!(!shown(&mut view, &mut log.doc, 1, 3).is_empty());
}

#[test]
fn a_last_line_without_line_feed_is_shown_when_the_log_ends() {
    let mut log = Log::with("one\ntwo");
    let mut view = View::default();
    assert_eq!(shown(&mut view, &mut log.doc, 80, 24), [" one"]);
    log.doc.doc.finish();
    assert_eq!(shown(&mut view, &mut log.doc, 80, 24), [" one", " two"]);
}
