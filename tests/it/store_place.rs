//! A database that is deleted or replaced while a writer and readers have it open.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use paddock_model::event::Durability;
use paddock_model::stored::StoredEvent;
use paddock_store::{Batch, EventQuery, News, PutBack, Reader, Store, StoreError, Writer};

fn batch(seq: u64) -> Batch {
    let event = StoredEvent {
        seq,
        at_ms: 0,
        kind: "note".to_owned(),
        version: 1,
        project: None,
        objective: None,
        session: None,
        data: "\"x\"".to_owned(),
    };
    Batch { events: vec![event], rows: vec![], durability: Durability::Process }
}

/// An open database with three events, in a folder of its own.
struct Open {
    _folder: tempfile::TempDir,
    path: PathBuf,
    writer: Writer,
    news: Receiver<News>,
    reader: Reader,
}

fn open() -> Open {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("runtime")).unwrap();
    let path = folder.path().join("runtime/paddock.db");
    let (report, news) = channel();
    let writer = Store::open(&path)
        .unwrap()
        .into_patient_writer(Box::new(move |news| drop(report.send(news))))
        .unwrap();
    for seq in 1..=3 {
        writer.append_and_wait(batch(seq)).unwrap();
    }
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.last_seq().unwrap(), 3);
    Open { _folder: folder, path, writer, news, reader }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

fn events(path: &Path) -> usize {
    Reader::open(path).unwrap().events(&EventQuery::default()).unwrap().len()
}

#[test]
fn whichever_of_its_files_is_deleted_the_database_is_back_before_the_next_event_counts() {
    for files in [vec![""], vec!["-wal"], vec!["-shm"], vec!["", "-wal", "-shm"]] {
        let open = open();
        files.iter().for_each(|ending| fs::remove_file(beside(&open.path, ending)).unwrap());
        open.writer.append_and_wait(batch(4)).unwrap();
        assert_eq!(events(&open.path), 4, "{files:?}: it is in the file at the path");
        let put_back = PutBack { path: open.path.clone(), was_replaced: false, kept: None };
        assert_eq!(open.news.try_recv(), Ok(News::PutBack(put_back)), "{files:?}");
        // The reader had the deleted file open.
        assert_eq!(open.reader.last_seq().unwrap(), 4, "{files:?}");
        open.writer.append_and_wait(batch(5)).unwrap();
        assert_eq!((events(&open.path), open.reader.last_seq().unwrap()), (5, 5));
        assert!(open.news.try_recv().is_err(), "{files:?}: once");
        open.writer.close().unwrap();
        assert_eq!(Store::open(&open.path).unwrap().last_seq().unwrap(), 5);
        assert!(Reader::open(&open.path).unwrap().faults().unwrap().is_empty());
    }
}

#[test]
fn a_database_that_goes_again_and_again_ends_the_writer() {
    let open = open();
    let failed = (4..100).find_map(|seq| {
        fs::remove_file(&open.path).unwrap();
        open.writer.append_and_wait(batch(seq)).err()
    });
    assert!(matches!(failed, Some(StoreError::Lost { .. })), "{failed:?}");
}

#[test]
fn a_database_that_is_deleted_while_nothing_happens_is_put_back_as_well() {
    let open = open();
    fs::remove_file(&open.path).unwrap();
    let news = open.news.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(matches!(news, News::PutBack(_)), "{news:?}");
    assert_eq!(events(&open.path), 3);
}

#[test]
fn a_file_that_takes_the_place_of_the_database_is_kept_under_another_name() {
    let open = open();
    fs::write(open.path.with_extension("other"), "mine").unwrap();
    fs::rename(open.path.with_extension("other"), &open.path).unwrap();
    open.writer.append_and_wait(batch(4)).unwrap();
    let Ok(News::PutBack(PutBack { was_replaced: true, kept: Some(kept), .. })) = open.news.try_recv() else {
        panic!("the database is not back");
    };
    assert_eq!(fs::read(kept).unwrap(), b"mine");
    assert_eq!((events(&open.path), open.reader.last_seq().unwrap()), (4, 4));
}

#[test]
fn without_its_folder_the_writer_fails_and_nothing_counts_as_recorded() {
    for is_replaced in [false, true] {
        let open = open();
        let runtime = open.path.parent().unwrap();
        fs::remove_dir_all(runtime).unwrap();
        if is_replaced {
            fs::create_dir(runtime).unwrap();
        }
        let error = open.writer.append_and_wait(batch(4)).unwrap_err();
        assert!(matches!(error, StoreError::Lost { .. }), "{error}");
        assert!(error.to_string().contains("its folder was deleted or replaced"), "{error}");
        let StoreError::Lost { rescued: Some(rescued), .. } = &error else { panic!("{error}") };
        assert_eq!((rescued.parent(), events(rescued)), (runtime.parent(), 3));
        assert_eq!(open.writer.close(), Err(error));
        assert!(!open.path.exists());
    }
}

#[test]
fn a_workspace_that_is_being_deleted_stops_the_writer_although_the_database_could_be_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, marker) = (folder.path().join("paddock.db"), folder.path().join("workspace.json"));
    fs::write(&marker, "{}").unwrap();
    let writer = Store::open(&path).unwrap().with_marker(&marker).into_writer().unwrap();
    writer.append_and_wait(batch(1)).unwrap();
    fs::remove_file(&path).unwrap();
    fs::remove_file(&marker).unwrap();
    let error = writer.append_and_wait(batch(2)).unwrap_err();
    assert_eq!(error, StoreError::WorkspaceLost { path: path.clone(), marker });
    assert_eq!(events(&path), 1, "nothing is lost all the same");
    assert!(error.to_string().contains("whole and in its place"), "{error}");
}

#[test]
fn a_folder_that_goes_while_nothing_happens_is_reported() {
    let open = open();
    fs::remove_dir_all(open.path.parent().unwrap()).unwrap();
    let news = open.news.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(matches!(news, News::Failed(StoreError::Lost { .. })), "{news:?}");
}

#[test]
fn where_copies_are_a_missing_database_is_not_begun_anew() {
    let open = open();
    let copy = open.reader.copy_if_due(Duration::from_secs(60)).unwrap().unwrap();
    open.writer.close().unwrap();
    drop(open.reader);
    fs::remove_file(&open.path).unwrap();
    let error = Store::open(&open.path).unwrap_err();
    assert_eq!(error, StoreError::Missing { path: open.path.clone(), newest_copy: copy.clone() });
    assert!(error.to_string().contains("doctor --restore"), "{error}");
    assert!(!open.path.exists());
    fs::remove_file(copy).unwrap();
    assert_eq!(Store::open(&open.path).unwrap().last_seq().unwrap(), 0);
}
