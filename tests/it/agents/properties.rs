//! Properties of the transcript readers: any input, in pieces of any size, causes no panic and no failure
//! class that the input does not state.

use paddock_agents::transcript::{Reader, Reading, Stream, formats};
use paddock_model::failure::FailureClass;
use paddock_model::session::Exit;
use proptest::prelude::*;

use super::recordings::{Recording, all, reading, setting, summary_of};

/// Reads a recording in pieces whose sizes cycle through `sizes`, alternating between the two streams.
fn in_pieces(recording: &Recording, sizes: &[usize]) -> Reading {
    let mut reader = Reader::new(&recording.agent, setting());
    let (mut out, mut err) = (recording.out.as_slice(), recording.err.as_slice());
    for size in sizes.iter().cycle() {
        if out.is_empty() && err.is_empty() {
            break;
        }
        let (now, later) = out.split_at(out.len().min(*size));
        reader.push(Stream::Out, now);
        out = later;
        let (now, later) = err.split_at(err.len().min(*size));
        reader.push(Stream::Err, now);
        err = later;
        let _ = reader.so_far();
    }
    reader.finish(Some(&recording.exit)).0
}

/// Whether a class puts the agent on cooldown or asks a person. A reader must have evidence for such a class.
fn is_grave(class: FailureClass) -> bool {
    !matches!(class, FailureClass::Other | FailureClass::Crashed | FailureClass::Killed)
}

#[test]
fn every_recording_reads_the_same_in_pieces_of_any_size() {
    for recording in all() {
        let whole = reading(&recording).0;
        for sizes in [&[1_usize, 7, 64][..], &[4096], &[3, 100_000]] {
            let sizes: Vec<usize> = match recording.out.len() > 50_000 {
                true => sizes.iter().map(|size| size * 100).collect(),
                false => sizes.to_vec(),
            };
            assert_eq!(in_pieces(&recording, &sizes), whole, "{}/{}", recording.agent, recording.case);
        }
    }
}

#[test]
fn a_good_run_that_was_cut_off_anywhere_has_no_grave_failure() {
    for mut recording in all().into_iter().filter(|r| r.case.starts_with("ok") && r.exit == Exit::Code(0)) {
        let whole = reading(&recording).0;
        if whole.failure.is_some() {
            continue;
        }
        let bytes = std::mem::take(&mut recording.out);
        for length in (0..bytes.len()).step_by(97).chain(bytes.len().saturating_sub(40)..bytes.len()) {
            recording.out = bytes[..length].to_vec();
            for exit in [Exit::Code(0), Exit::Code(1), Exit::Signal(9)] {
                recording.exit = exit;
                let cut = reading(&recording).0;
                let class = cut.failure.as_ref().map(|failure| failure.class);
                // In these recordings the agent was retrying after a limit or an overload. Cut off during the
                // retry, the outside error is the true cause.
                let retried = recording.case.contains("529") || recording.case.contains("429");
                let name = format!("{}/{} at {length}", recording.agent, recording.case);
                assert!(retried || class.is_none_or(|class| !is_grave(class)), "{name}: {:?}", cut.failure);
                assert!(summary_of(&cut).is_none_or(|summary| summary_of(&whole) == Some(summary)), "{name}");
            }
        }
    }
}

/// Text that an agent might print, show or write. It mentions errors without being one.
const TALK: &str = "HTTP 429 Too Many Requests: rate limit, try again in 3600s. You've hit your usage limit. \
                    401 Unauthorized: invalid API key. Prompt is too long. overloaded. ECONNRESET. \
                    {\\\"type\\\":\\\"error\\\",\\\"error\\\":{\\\"name\\\":\\\"ContextOverflowError\\\"}} \
                    litellm.RateLimitError: x";

#[test]
fn a_session_that_talks_about_errors_has_none() {
    for mut recording in all().into_iter().filter(|recording| recording.case == "ok") {
        let text = String::from_utf8(recording.out.clone()).unwrap();
        let talking = text.replace("Done.", &format!("Done. {TALK}")).replace("1 file changed", TALK);
        assert_ne!(talking, text, "{}", recording.agent);
        recording.out = talking.into_bytes();
        let reading = reading(&recording).0;
        assert_eq!(reading.failure, None, "{}", recording.agent);
        assert!(summary_of(&reading).is_some(), "{}", recording.agent);
    }
}

#[test]
fn errors_that_commands_print_to_standard_error_are_not_the_agents_failure() {
    for mut recording in all().into_iter().filter(|recording| recording.case == "ok") {
        recording.err.extend_from_slice(b"curl: (22) The requested URL returned error: 429\n");
        recording
            .err
            .extend_from_slice(b"HTTP/1.1 429 Too Many Requests\nretry-after: 3600\n401 Unauthorized\n");
        assert_eq!(reading(&recording).0.failure, None, "{}", recording.agent);
        recording.exit = Exit::Code(1);
        let class = reading(&recording).0.failure.map(|failure| failure.class);
        assert!(class.is_some_and(|class| !is_grave(class)), "{}: {class:?}", recording.agent);
    }
}

#[test]
fn a_qwen_that_is_stopped_while_it_waits_names_the_wait() {
    let retry =
        r#"{"type":"system","subtype":"retry","data":{"reason":"retry","attempt":1,"delayMs":60000}}"#;
    let again = r#"{"type":"system","subtype":"retry","data":{"reason":"retry","discardedToolCalls":0}}"#;
    let cancelled = r#"{"type":"result","subtype":"error_during_execution","is_error":true,"error":{"message":"Operation cancelled."}}"#;
    let class = |lines: &[&str]| {
        let mut reader = Reader::new("qwen", setting());
        reader.push(Stream::Out, format!("{}\n", lines.join("\n")).as_bytes());
        reader.finish(Some(&Exit::Code(1))).0.failure.map(|failure| failure.class)
    };
    assert_eq!(class(&[retry, again, cancelled]), Some(FailureClass::RateLimit));
    assert_eq!(class(&[cancelled]), Some(FailureClass::Other));
}

#[test]
fn a_stream_without_end_stays_within_bounds() {
    for (name, _) in formats() {
        let mut reader = Reader::new(name, setting());
        let block = vec![b'x'; 1 << 20];
        for _ in 0..64 {
            reader.push(Stream::Out, &block);
            reader.push(Stream::Err, &block);
        }
        let reading = reader.finish(Some(&Exit::Code(0))).0;
        assert!(reading.said.len() <= 1 << 20, "{name} keeps {} bytes", reading.said.len());
        assert_eq!(reading.failure, None, "{name}");
    }
}

/// JSON values of types that no event has in these places.
const VALUES: &[&str] = &[
    "null",
    "true",
    "1e300",
    "-5",
    "\"x\"",
    "[]",
    "[[[]]]",
    "{}",
    r#"{"type":3,"content":[{"type":"text"}]}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_garbage_is_read_without_a_panic_and_without_a_class(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        code in 0..256i32,
    ) {
        for (name, _) in formats() {
            let mut reader = Reader::new(name, setting());
            reader.push(Stream::Out, &bytes);
            reader.push(Stream::Err, &bytes);
            let (reading, _) = reader.finish(Some(&Exit::Code(code)));
            let class = reading.failure.map(|failure| failure.class);
            // Exit code 41 is Gemini's "not logged in": the code alone is evidence.
            prop_assert!(code == 41 || class.is_none_or(|class| !is_grave(class)), "{}: {:?}", name, class);
        }
    }

    #[test]
    fn a_recording_with_bytes_changed_never_makes_a_reader_panic(
        which in any::<prop::sample::Index>(),
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        sizes in proptest::collection::vec(1usize..5000, 1..6),
    ) {
        let mut recording = all().swap_remove(which.index(all().len()));
        recording.out.truncate(20_000);
        if !recording.out.is_empty() {
            for (place, byte) in places {
                let at = place.index(recording.out.len());
                recording.out[at] = byte;
            }
        }
        let _ = in_pieces(&recording, &sizes);
        for (name, _) in formats() {
            recording.agent = name.to_owned();
            let _ = in_pieces(&recording, &sizes);
        }
    }

    #[test]
    fn events_of_any_shape_are_read_without_a_panic(
        kind in "(result|assistant|user|system|error|item.completed|turn.failed|message|step_finish|session.error)",
        value in prop::sample::select(VALUES),
        key in "(message|item|part|error|usage|data|stats|permission_denials|content|timestamp|is_error)",
    ) {
        let line = format!("{{\"type\":\"{kind}\",\"{key}\":{value},\"is_error\":true}}\n");
        for (name, _) in formats() {
            let mut reader = Reader::new(name, setting());
            reader.push(Stream::Out, line.as_bytes());
            let _ = reader.finish(Some(&Exit::Code(1)));
        }
    }
}

/// Claude and qwen report usage while they run. Without its final record a transcript must give the same
/// input and cached tokens as with it, and at most as many output tokens.
#[test]
fn usage_reported_midway_agrees_with_the_usage_at_the_end() {
    let mut seen = 0;
    for recording in all() {
        let is_midway = matches!(recording.agent.as_str(), "claude" | "qwen");
        if !is_midway || !recording.case.starts_with("ok") {
            continue;
        }
        let mut reader = Reader::new(&recording.agent, setting());
        let is_result = |line: &&[u8]| !line.windows(15).any(|part| part == b"\"type\":\"result\"");
        let lines = recording.out.split_inclusive(|byte| *byte == b'\n');
        lines.filter(is_result).for_each(|line| reader.push(Stream::Out, line));
        let Some(midway) = reader.so_far().usage.tokens else { continue };
        let end = reading(&recording).0.usage.tokens.unwrap();
        let name = format!("{}/{}", recording.agent, recording.case);
        assert_eq!((midway.input, midway.cached), (end.input, end.cached), "{name}");
        assert!(midway.output <= end.output, "{name}");
        seen += 1;
    }
    assert!(seen >= 5, "{seen} recordings were compared");
}
