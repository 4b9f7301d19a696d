//! The trace file.

use proptest::prelude::*;
use samestate_tracer::trace::{
    Call, Data, Descriptor, Event, Header, Identity, Module, Note, Object, ObjectKind, Payload,
    Reader, Stack, Status, Task, Writer,
};

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Payload::whole),
        (prop::collection::vec(any::<u8>(), 0..50), 51_u64.., any::<u64>())
            .prop_map(|(bytes, length, hash)| Payload { length, hash, bytes }),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let data = (0_u8..6, any::<bool>(), payload()).prop_map(|(argument, out, payload)| Data {
        argument,
        out,
        payload,
    });
    (
        (any::<u32>(), any::<u64>(), any::<u64>(), any::<u64>()),
        prop::collection::vec(any::<u64>(), 0..7),
        any::<Option<i64>>(),
        prop::collection::vec((0_u8..6, any::<u32>()), 0..3),
        prop::collection::vec(any::<u32>(), 0..3),
        prop::collection::vec(data, 0..4),
    )
        .prop_map(
            |((task, number, flags, instruction), arguments, result, objects, made, data)| Call {
                task,
                number,
                flags,
                instruction,
                arguments,
                result,
                objects,
                made,
                data,
            },
        )
}

fn event() -> impl Strategy<Value = Event> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let descriptor = (any::<i32>(), any::<u32>(), any::<u64>(), any::<u64>())
        .prop_map(|(fd, object, offset, flags)| Descriptor { fd, object, offset, flags });
    let parent = prop::option::of(0..u32::MAX);
    let (module, missing) = (parent.clone(), prop::option::of(".+"));
    prop_oneof![
        4 => call().prop_map(Event::Call),
        1 => (any::<u32>(), parent.clone(), any::<u32>(), ".*", any::<(i32, i32)>(), bytes())
            .prop_map(|(id, parent, process, lineage, (tid, seen), directory)| {
                Event::Task(Task { id, parent, process, lineage, tid, seen, directory })
            }),
        1 => (any::<u32>(), any::<i32>(), any::<bool>(), parent, bytes()).prop_map(
            |(id, fd, inherited, from, path)| {
                Event::Object(Object { id, fd, kind: ObjectKind::Pipe, inherited, from, path })
            }
        ),
        1 => any::<(u32, i32, i32)>()
            .prop_map(|(task, signal, code)| Event::Signal {
                task,
                signal,
                code,
                from: samestate_tracer::trace::Sender::Outside,
                about: vec![1; 16],
            }),
        1 => any::<(u32, i32)>()
            .prop_map(|(task, status)| Event::End { task, status: Status::Exited(status) }),
        1 => any::<(u32, i32)>()
            .prop_map(|(task, signal)| Event::End { task, status: Status::Killed(signal) }),
        1 => (any::<u32>(), bytes()).prop_map(|(task, path)| Event::Directory { task, path }),
        1 => (any::<u32>(), prop::collection::vec(descriptor, 0..9))
            .prop_map(|(task, open)| Event::Descriptors { task, open }),
        1 => any::<(u32, i32)>().prop_map(|(task, seen)| Event::Renamed { task, seen }),
        1 => (any::<(u32, u64, i64, u64)>(), bytes(), bytes()).prop_map(
            |((id, length, modified, bias), path, build_id)| {
                let identity = Identity { build_id, length, modified };
                Event::Module(Module { id, path, identity, bias })
            }
        ),
        1 => (any::<u32>(), prop::collection::vec((module, any::<u64>()), 0..9), missing).prop_map(
            |(id, frames, missing)| Event::Stack { id, stack: Stack { frames, missing } }
        ),
        1 => any::<(u32, u32)>().prop_map(|(task, stack)| Event::At { task, stack }),
        1 => (any::<u32>(), ".*")
            .prop_map(|(task, text)| Event::Note { task, note: Note::Untraced(text) }),
        1 => (any::<u32>(), ".*")
            .prop_map(|(task, text)| Event::Note { task, note: Note::Remark(text) }),
        1 => (any::<u32>(), ".*")
            .prop_map(|(task, text)| Event::Note { task, note: Note::Cut(text) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        events in prop::collection::vec(event(), 0..60),
        command in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5),
        knobs in prop::collection::vec(".*", 0..5),
        like in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        ids in any::<(i32, i32, i32)>(),
        started in any::<i64>(),
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("trace");
        let header = Header {
            architecture: "x86_64".to_owned(),
            command,
            directory: b"/somewhere".to_vec(),
            parent: ids.0,
            group: ids.1,
            session: ids.2,
            started,
            like,
            knobs,
        };
        let mut writer = Writer::create(&path, &header).expect("the trace can be created");
        for event in &events {
            writer.add(event).expect("an event can be written");
        }
        let length = writer.finish().expect("the trace can be finished");
        prop_assert_eq!(length, std::fs::metadata(&path).expect("the file").len());
        let mut reader = Reader::open(&path).expect("the trace can be opened");
        prop_assert_eq!(reader.header(), &header);
        let mut places = Vec::new();
        for event in &events {
            let (place, read) = reader.read().expect("the file can be read").expect("an event");
            prop_assert_eq!(&read, event);
            places.push(place);
        }
        prop_assert!(reader.read().expect("the file can be read").is_none());
        prop_assert!(reader.tear().is_none());
        for (place, event) in places.into_iter().zip(&events).rev() {
            prop_assert_eq!(&reader.at(place).expect("the event is still there"), event);
        }
    }
}

/// A trace of so many lines that a program writes; every tenth ends in `mark`.
fn lines(path: &std::path::Path, count: u64, mark: &str) {
    use samestate_tracer::trace::{Call, Data, Event, Header, Object, ObjectKind, Payload, Task};
    let mut writer = Writer::create(path, &Header::default()).expect("it opens");
    let mut add = |event| writer.add(&event).expect("it can be written");
    let (lineage, directory) = ("0".to_owned(), b"/".to_vec());
    add(Event::Task(Task { id: 0, parent: None, process: 0, lineage, tid: 1, seen: 1, directory }));
    let path = b"/log".to_vec();
    let kind = ObjectKind::File;
    add(Event::Object(Object { id: 0, fd: 3, kind, inherited: false, from: None, path }));
    for number in 0..count {
        let mark = if number % 10 == 0 { mark } else { "" };
        let text = format!("line {}{mark}\n", number % 500).into_bytes();
        let length = text.len() as u64;
        add(Event::Call(Call {
            task: 0,
            number: 1,
            flags: 0,
            instruction: 0,
            arguments: vec![3, 0x1000, length],
            result: Some(length.cast_signed()),
            objects: vec![(0, 0)],
            made: Vec::new(),
            data: vec![Data { argument: 1, out: false, payload: Payload::whole(text) }],
        }));
    }
    writer.finish().expect("it can be written");
}

#[test]
fn what_differs_too_often_to_be_aligned_is_counted_right() {
    use samestate_tracer::{Comparison, compare};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    lines(&path("first"), 40_000, "");
    lines(&path("second"), 40_000, "!");
    let count = |other: &str| {
        let found = compare(&path("first"), &path(other), &Comparison::default());
        let found = found.expect("they can be read");
        found.facts.iter().find(|fact| fact.what == "divergences").map(|fact| fact.count)
    };
    assert_eq!(count("second"), Some(4_000));
    assert_eq!(count("first"), Some(0));
}
