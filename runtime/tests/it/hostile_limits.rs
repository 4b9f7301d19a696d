//! Forged images in a process that may have little memory: each is refused, none ends the process.

use std::any::type_name;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::process::Command;
use std::rc::{Rc, Weak};

use samestate::{Checkpoint, SaveError, from_slice, to_vec};
use samestate_image::{Image, SchemaChunk};
use samestate_schema::types::{Primitive, Table, Type, TypeRef};

use crate::hostile::forged;
use crate::hostile_forge::Forged;

/// The limit in bytes; as `ulimit -v` takes it, in KiB.
const MEMORY: usize = 512 << 20;

const IN_CHILD: &str = "SAMESTATE_TEST_LITTLE_MEMORY";

const ATTACKS: &[(&str, fn())] = &[
    ("lengths", lengths),
    ("lengths of nothing", lengths_of_nothing),
    ("values without bytes", values_without_bytes),
    ("nesting", nesting),
    ("types", schemas),
    ("parts", parts),
    ("keys", keys),
    ("pointers", pointers),
    ("much for little", much_for_little),
    #[cfg(any(feature = "lz4", feature = "zstd"))]
    ("bombs", bombs),
];

/// Each attack has a process to itself, so that none finds memory that another one left behind.
#[test]
fn no_forged_image_ends_a_process_with_little_memory() {
    if let Ok(name) = std::env::var(IN_CHILD) {
        assert!(Vec::<u8>::new().try_reserve_exact(MEMORY).is_err(), "the limit holds");
        let attack = ATTACKS.iter().find(|(other, _)| *other == name).unwrap();
        attack.1();
        println!("all were refused");
        return;
    }
    for (name, _) in ATTACKS {
        let output = Command::new("sh")
            .args(["-c", &format!("ulimit -v {} && exec \"$@\"", MEMORY >> 10), "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "hostile_limits::no_forged_image_ends_a_process_with_little_memory"])
            .args(["--nocapture", "--test-threads=1"])
            .env(IN_CHILD, name)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let died = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {}: {told}{died}", output.status);
        assert!(told.contains("all were refused"), "{name}: {told}{died}");
    }
}

/// The image must open, and must not restore. The reader without the program may show it, or not.
fn refused<T: Checkpoint>(like: &T, values: &[u8]) -> String {
    let image = forged(like, values, &[]);
    let _ = Image::from_bytes(&image[..]).unwrap().value();
    match from_slice::<T>(&image) {
        Ok(_) => panic!("{} was restored", type_name::<T>()),
        Err(error) => error.to_string(),
    }
}

fn long(count: u64) -> Vec<u8> {
    [&[255][..], &count.to_le_bytes()].concat()
}

fn lengths() {
    for count in [65_537, 1 << 20, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 60, 1 << 63, u64::MAX] {
        // Alone, and with some bytes behind it that could be a beginning.
        for rest in [&[][..], &[0; 64], &[1; 64]] {
            let values = [&long(count)[..], rest].concat();
            refused(&vec![0_u8], &values);
            refused(&vec![0_u128], &values);
            refused(&vec![[0_f32; 3]], &values);
            refused(&vec![[0_u8; 8192]], &values);
            refused(&vec![String::new()], &values);
            refused(&vec![vec![0_u8]], &values);
            refused(&vec![Some(Box::new(0_u64))], &values);
            refused(&Vec::<Rc<u8>>::new(), &values);
            refused(&String::new(), &values);
            refused(&std::path::PathBuf::new(), &values);
            refused(&VecDeque::from([0_u32]), &values);
            refused(&LinkedList::from([0_u32]), &values);
            refused(&BinaryHeap::from([0_u32]), &values);
            refused(&HashMap::from([(0_u8, 0_u64)]), &values);
            refused(&BTreeMap::from([(0_u64, String::new())]), &values);
            refused(&HashSet::from([0_u16]), &values);
            refused(&BTreeSet::from([String::new()]), &values);
            refused(&Rc::<[u32]>::from([0]), &values);
        }
    }
}

fn lengths_of_nothing() {
    for count in [65_537, u64::MAX] {
        refused(&HashMap::from([((), ())]), &long(count));
        refused(&vec![(); 3].into_boxed_slice(), &long(count));
        refused(&LinkedList::from([()]), &long(count));
        refused(&vec![[[(); 9]; 9]], &long(count));
    }
}

/// Takes no bytes of an image, and much memory.
#[derive(Checkpoint, Clone)]
#[expect(dead_code, reason = "it takes memory")]
struct Cache {
    #[checkpoint(skip(default), reason = "filled on first use")]
    lines: Lines,
}

#[derive(Clone)]
#[expect(dead_code, reason = "it takes memory")]
struct Lines([u8; 4096]);

impl Default for Lines {
    fn default() -> Self {
        Self([1; 4096])
    }
}

/// Their number is proven by nothing, so it is limited, alike when saving and restoring.
fn values_without_bytes() {
    let most = [&[255][..], &65_536_u64.to_le_bytes()].concat();
    let lists = [&long(1000)[..], &most.repeat(1000)].concat();
    let cache = Cache { lines: Lines::default() };
    let message = "too many values that take no bytes";
    assert!(refused(&vec![cache.clone()], &most).contains(message));
    assert!(refused(&vec![Box::new(cache.clone())], &most).contains(message));
    assert!(refused(&vec![[cache.clone(), cache.clone()]], &most).contains(message));
    assert!(refused(&vec![vec![cache.clone()]], &lists).contains(message));
    assert!(refused(&vec![vec![()]], &lists).contains(message));
    assert!(refused(&vec![LinkedList::from([()])], &lists).contains(message));
    assert!(refused(&vec![vec![[(); 9]]], &lists).contains(message));
    assert!(refused(&vec![vec![()].into_boxed_slice()], &lists).contains(message));
    for (count, fits) in [(16_000, true), (17_000, false)] {
        match to_vec(&vec![cache.clone(); count]) {
            Ok(image) => assert_eq!(from_slice::<Vec<Cache>>(&image).unwrap().len(), count),
            Err(error) => assert!(!fits && matches!(error, SaveError::EmptyTooLarge), "{error}"),
        }
    }
    let lists = |count| to_vec(&vec![LinkedList::from_iter(vec![(); 60_000]); count]);
    assert!(from_slice::<Vec<LinkedList<()>>>(&lists(16).unwrap()).is_ok());
    assert!(matches!(lists(18), Err(SaveError::EmptyTooLarge)));
}

#[derive(Checkpoint, Default)]
enum Tree {
    #[default]
    Leaf,
    Boxed(Box<Tree>),
    Many(Vec<Tree>),
    Shared(Rc<Tree>),
    Map(BTreeMap<u8, Tree>),
    Pair(Box<(Tree, u8)>),
    Maybe(Option<Box<Tree>>),
    Queue(VecDeque<Option<Tree>>),
}

fn nesting() {
    const LEVELS: usize = 10_000_000;
    let levels: [&[u8]; 7] = [&[1], &[2, 1], &[3, 0], &[4, 1, 7], &[5], &[6, 1], &[7, 1, 1]];
    for level in levels {
        let message = refused(&Tree::default(), &level.repeat(LEVELS));
        assert!(message.contains("nest too deeply"), "{message}");
    }
    let mixed = levels.concat().repeat(LEVELS / 7);
    assert!(refused(&Tree::default(), &mixed).contains("nest too deeply"));
}

fn table(types: Vec<Type>) -> Vec<u8> {
    let root = TypeRef(0);
    let mut chunk = [&1_u32.to_le_bytes()[..], b"t"].concat();
    chunk.extend([1, 0, 0, 0].iter().chain(&[0; 20]));
    chunk.extend(Table { types, root }.encode());
    chunk
}

/// The types of an image are as little to be trusted as its values.
fn schemas() {
    let honest = Forged::of(&to_vec(&7_u8).unwrap());
    let refused = |schema: Vec<u8>| {
        let mut forged = honest.clone();
        forged.chunks[0].raw_len = schema.len() as u64;
        forged.chunks[0].bytes = schema;
        let forged = forged.seal();
        let message = Image::from_bytes(&forged[..]).map(|_| ()).unwrap_err().to_string();
        assert_eq!(from_slice::<u8>(&forged).unwrap_err().to_string(), message);
        message
    };
    // Ten million types in each other: each takes five bytes here, and far more in memory.
    let mut nested = [&1_u32.to_le_bytes()[..], b"t"].concat();
    nested.extend([0; 4]);
    nested.extend(0_u32.to_le_bytes());
    nested.extend(10_000_000_u32.to_le_bytes());
    for next in 1..=10_000_000_u32 {
        nested.push(2);
        nested.extend(next.to_le_bytes());
    }
    assert!(refused(nested).contains("4194304 are the most"));
    // As many as are read.
    let below = |next: u32| Type::Option(TypeRef(next));
    let mut types: Vec<Type> = (1..=800_000).map(below).collect();
    types.push(Type::Str);
    refused(table(types));
    // Each spells the one below it twice, four times, …
    let twice = |next: u32| Type::Tuple(vec![TypeRef(next); 2]);
    let mut types: Vec<Type> = (1..=60).map(twice).collect();
    types.push(Type::Primitive(Primitive::Unit));
    assert!(refused(table(types)).contains("the size of a type"));
    // Contains itself without a name.
    refused(table(vec![Type::Array(TypeRef(0), 2)]));
    refused(table(vec![Type::Option(TypeRef(1)), Type::Shared(TypeRef(0))]));
    refused(table(vec![Type::Option(TypeRef(7))]));
    // What lists claim to hold.
    for at in 0..honest.chunks[0].bytes.len() {
        let mut schema = honest.chunks[0].bytes.clone();
        let end = schema.len().min(at + 4);
        schema[at..end].fill(0xff);
        refused(schema);
    }
    // Types that can be shown, and whose values take no bytes at all.
    for ty in [Type::Array(TypeRef(1), u64::MAX), Type::Array(TypeRef(1), 1 << 40)] {
        let types = vec![ty, Type::Primitive(Primitive::Unit)];
        let schema = SchemaChunk::new("t".into(), Table { types, root: TypeRef(0) }).unwrap();
        let parts = samestate_image::build::Parts {
            root_hash: schema.root_hash(),
            schema: &schema.encode(),
            values: &[],
            volatile: &[],
        };
        let built = samestate_image::build::Built::new(parts, []).unwrap();
        let image = built.to_vec(&samestate_image::Header::default());
        assert!(Image::from_bytes(&image[..]).unwrap().value().is_err());
        assert!(from_slice::<u8>(&image).is_err());
    }
}

/// Header, directory and trailer with right checksums, and anything in their numbers.
fn parts() {
    let state = (vec![7_u16; 3000], vec![1_u64; 9000], String::from("s"));
    let honest = Forged::of(&to_vec(&state).unwrap());
    let refused = |change: &dyn Fn(&mut Forged)| {
        let mut forged = honest.clone();
        change(&mut forged);
        assert!(Image::from_bytes(forged.seal()).is_err());
    };
    let odd = [1, 63, 64, 127, 4096, 1 << 20, 1 << 32, 1 << 63, u64::MAX - 63, u64::MAX];
    for number in [0, 5].into_iter().chain(odd) {
        refused(&|forged| forged.count = Some(number));
    }
    for chunk in 0..honest.chunks.len() {
        for number in [0].into_iter().chain(odd) {
            refused(&|forged| forged.chunks[chunk].raw_len = number);
            refused(&|forged| forged.chunks[chunk].offset = Some(number));
            refused(&|forged| {
                forged.chunks[chunk].len = Some(number);
                forged.chunks[chunk].raw_len = number;
            });
        }
        refused(&|forged| forged.chunks[chunk].kind ^= 1);
        refused(&|forged| forged.chunks[chunk].kind = 9);
        refused(&|forged| drop(forged.chunks.remove(chunk)));
        refused(&|forged| forged.chunks.swap(chunk, (chunk + 1) % 4));
    }
    for at in 8..honest.header.len() {
        let mut forged = honest.clone();
        forged.header[at] = 0xff;
        // Time, step and build id are whatever they are.
        let _ = Image::from_bytes(forged.seal());
    }
    let good = to_vec(&state).unwrap();
    for at in good.len() - 80..good.len() - 8 {
        let mut image = good.clone();
        image[at] = !image[at];
        let start = image.len() - 80;
        let crc = crc32fast::hash(&image[start..start + 68]);
        image[start + 68..start + 72].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Image::from_bytes(image).is_err(), !(68..72).contains(&(at - start)));
    }
}

/// Keys that come twice, or are not in order.
fn keys() {
    let out_of_order: [&[u8]; 3] = [&[2, 5, 5], &[2, 5, 4], &[3, 1, 2, 1]];
    for keys in out_of_order {
        assert!(refused(&BTreeSet::from([1_u8]), keys).contains("not in order"));
        assert!(refused(&HashSet::from([1_u8]), keys).contains("not in order"));
        let entries: Vec<u8> =
            keys[..1].iter().copied().chain(keys[1..].iter().flat_map(|&key| [key, 0])).collect();
        assert!(refused(&BTreeMap::from([(1_u8, 0_u8)]), &entries).contains("not in order"));
        assert!(refused(&HashMap::from([(1_u8, 0_u8)]), &entries).contains("not in order"));
    }
    assert!(refused(&HashSet::from([()]), &[2]).contains("not in order"));
    let many = [&long(1_000_000)[..], &[7; 1_000_000]].concat();
    assert!(refused(&HashSet::from([1_u8]), &many).contains("not in order"));
}

type Pointers = (Rc<u8>, Vec<Rc<u8>>, Vec<Rc<u16>>, Vec<Weak<u8>>);

fn pointers() {
    let like: Pointers = (Rc::new(1), vec![], vec![], vec![]);
    // A pointer to the object 0, whatever comes before and behind it.
    let lists = |bytes: &[u8], words: &[u8], weak: &[u8]| [&[0, 1], bytes, words, weak].concat();
    let honest = lists(&[1, 2], &[0], &[1, 3]);
    let restored: Pointers = from_slice(&forged(&like, &honest, &[])).unwrap();
    assert!(Rc::ptr_eq(&restored.0, &restored.1[0]) && restored.3[0].upgrade().is_some());
    for object in [1, 2, 9, 250] {
        assert!(refused(&like, &lists(&[1, 2 + object], &[0], &[0])).contains("not there"));
        assert!(refused(&like, &lists(&[0], &[0], &[1, 3 + object])).contains("not there"));
    }
    for object in [255, 1 << 40, u64::MAX - 2, u64::MAX] {
        let far = [&[1][..], &long(object)].concat();
        refused(&like, &lists(&far, &[0], &[0]));
        refused(&like, &lists(&[0], &[0], &far));
    }
    assert!(refused(&like, &lists(&[0], &[1, 2], &[0])).contains("another type"));
    refused(&like, &lists(&[1, 1, 7], &[0], &[0]));
    refused(&like, &lists(&[0], &[0], &[1, 1, 7]));
    let ten_million = [&long(10_000_000)[..], &[2; 10_000_000]].concat();
    refused(&like, &lists(&ten_million, &[1, 9], &[0]));
}

/// Reading finds what is wrong at the end of a long image, and tells where, without more memory than
/// the values take.
fn much_for_little() {
    const COUNT: usize = 10_000_000;
    let flags = [&long(COUNT as u64)[..], &vec![1; COUNT - 1], &[2]].concat();
    let message = refused(&vec![true], &flags);
    assert!(message.contains("[9999999]: the image holds no valid bool"), "{message}");
    let honest = to_vec(&vec![true; COUNT]).unwrap();
    let shown = Image::from_bytes(&honest[..]).unwrap().value().map(|_| ()).unwrap_err();
    assert_eq!(shown.what, "no memory to show so many values");
}

/// A few bytes that stand for more than there is room for.
#[cfg(any(feature = "lz4", feature = "zstd"))]
fn bombs() {
    use samestate::Compression;

    let kinds = [
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::Zstd,
    ];
    for compression in kinds {
        // Both codecs may be repeated, in steps of a piece.
        let piece = samestate::to_vec_compressed(&vec![0_u8; 1 << 20], compression).unwrap();
        let mut forged = Forged::of(&piece);
        let one = forged.chunks[2].bytes.clone();
        assert!(one.len() < 5000, "{}", one.len());
        for (count, what) in [(600, "no memory for the"), (20, "the image id")] {
            forged.chunks[2].bytes = one.repeat(count);
            forged.chunks[2].raw_len = (count as u64) << 20;
            let message = Image::from_bytes(forged.seal()).map(|_| ()).unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
        // What is claimed takes no memory before it is decompressed.
        let mut broken = one.repeat(300);
        broken[one.len()..].fill(0xff);
        forged.chunks[2].bytes = broken;
        forged.chunks[2].raw_len = 300 << 20;
        let message = Image::from_bytes(forged.seal()).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("what is compressed in its block"), "{message}");
        if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
            let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
            let most: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
            assert!(most < 150 << 10, "{most} KiB were touched");
        }
        forged.chunks[2].bytes = one.repeat(3000);
        forged.chunks[2].raw_len = 1 << 50;
        let message = Image::from_bytes(forged.seal()).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("the length of a chunk"), "{message}");
    }
}
