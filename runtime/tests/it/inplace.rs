//! Restoring in place: what is kept, what is given, and that a failure changes nothing.

use std::cell::RefCell;

use samestate::{
    Checkpoint, Handles, RestoreErrorKind, Store, from_slice, from_slice_with, restore_in_place,
    to_vec,
};

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Game {
    score: u64,
    #[checkpoint(skip(keep), reason = "the player's setting")]
    volume: f32,
    #[checkpoint(skip(default), reason = "a cache")]
    cache: Vec<u8>,
    #[checkpoint(skip(value = 7), reason = "set at start")]
    seven: u8,
    map: Vec<u8>,
    player: Player,
    #[checkpoint(rebuild = label, needs(total, volume, log))]
    label: String,
    #[checkpoint(rebuild = total, needs(map))]
    total: usize,
    #[checkpoint(external = "log")]
    log: Log,
}

#[derive(Clone, Debug, PartialEq)]
struct Log(String);

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Player {
    name: String,
    weapon: Option<Weapon>,
    pair: (Box<Skin>, [Skin; 2]),
    cell: RefCell<Skin>,
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Skin {
    id: u16,
    #[checkpoint(skip(keep), reason = "chosen in a menu")]
    color: u32,
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
enum Weapon {
    None,
    Bow(u8),
    Sword {
        edge: u8,
        skin: Skin,
        #[checkpoint(skip(default), reason = "a cache")]
        hits: u8,
    },
}

#[expect(clippy::ptr_arg, clippy::unnecessary_wraps, reason = "called with the field as it is")]
fn total(map: &Vec<u8>) -> Result<usize, String> {
    Ok(map.len())
}

fn label(total: &usize, volume: &f32, log: &Log) -> Result<String, String> {
    if log.0 == "broken" { Err("no log".into()) } else { Ok(format!("{total} {volume} {}", log.0)) }
}

fn skin(id: u16, color: u32) -> Skin {
    Skin { id, color }
}

/// Everything that is saved is made from `n`, and everything that is kept from `kept`.
fn game(n: u8, kept: u32, log: &str) -> Game {
    let id = u16::from(n);
    let map = vec![n; 5000 + usize::from(n)];
    let volume = f32::from(u16::try_from(kept).unwrap());
    let total = map.len();
    let log = Log(log.to_owned());
    Game {
        score: u64::from(n),
        volume,
        cache: vec![],
        seven: 7,
        player: Player {
            name: format!("player {n}"),
            weapon: Some(Weapon::Sword { edge: n, skin: skin(id, kept), hits: 0 }),
            pair: (Box::new(skin(id, kept)), [skin(id + 1, kept), skin(id + 2, kept + 1)]),
            cell: RefCell::new(skin(id, kept)),
        },
        map,
        label: label(&total, &volume, &log).unwrap(),
        total,
        log,
    }
}

fn used(game: Game) -> Game {
    Game { cache: vec![1], seven: 1, ..game }
}

#[test]
fn what_is_kept_stays_and_all_else_comes_back() {
    let image = to_vec(&game(1, 100, "old")).unwrap();
    let mut running = used(game(2, 200, "running"));
    restore_in_place(&mut running, &image, Handles::new()).unwrap();
    assert_eq!(running, game(1, 200, "running"));
    let handles = Handles::new().with("log", Log("given".into()));
    restore_in_place(&mut running, &image, handles).unwrap();
    assert_eq!(running, game(1, 200, "given"));
}

#[test]
fn without_a_running_value_there_is_nothing_to_keep() {
    let image = to_vec(&game(1, 100, "old")).unwrap();
    let handles = Handles::new().with("log", Log("given".into()));
    let error = from_slice_with::<Game>(&image, handles).unwrap_err();
    assert!(matches!(error.kind(), RestoreErrorKind::NothingToKeep { field: "Game.volume" }));
    assert_eq!(
        error.to_string(),
        "the field `Game.volume` is kept from a running value, and there is none here; restore in \
         place with `restore_in_place`, and do not keep fields of what stands in containers"
    );
}

#[test]
fn an_enum_keeps_what_the_same_variant_has() {
    let saved = Weapon::Sword { edge: 1, skin: skin(1, 1), hits: 3 };
    let image = to_vec(&Some(saved)).unwrap();
    let mut running = Some(Weapon::Sword { edge: 2, skin: skin(2, 2), hits: 4 });
    restore_in_place(&mut running, &image, Handles::new()).unwrap();
    assert_eq!(running, Some(Weapon::Sword { edge: 1, skin: skin(1, 2), hits: 0 }));
    for other in [None, Some(Weapon::None), Some(Weapon::Bow(1))] {
        let mut running = other.clone();
        let error = restore_in_place(&mut running, &image, Handles::new()).unwrap_err();
        assert!(matches!(error.kind(), RestoreErrorKind::NothingToKeep { field: "Skin.color" }));
        assert_eq!(running, other);
        // What keeps nothing may change its variant.
        let image = to_vec(&other).unwrap();
        let mut running = Some(Weapon::Sword { edge: 2, skin: skin(2, 2), hits: 4 });
        restore_in_place(&mut running, &image, Handles::new()).unwrap();
        assert_eq!(running, other);
        assert_eq!(from_slice::<Option<Weapon>>(&image).unwrap(), other);
    }
}

#[test]
fn nothing_is_kept_in_containers() {
    let image = to_vec(&vec![skin(1, 1)]).unwrap();
    let mut running = vec![skin(2, 2)];
    let error = restore_in_place(&mut running, &image, Handles::new()).unwrap_err();
    assert!(matches!(error.kind(), RestoreErrorKind::NothingToKeep { field: "Skin.color" }));
    assert_eq!(running, [skin(2, 2)]);
}

#[test]
fn a_failure_at_any_byte_changes_nothing() {
    let before = used(game(2, 200, "running"));
    let mut running = before.clone();
    let mut failed = |image: &[u8], handles| {
        assert!(restore_in_place(&mut running, image, handles).is_err());
        assert_eq!(running, before);
    };
    let image = to_vec(&game(1, 100, "old")).unwrap();
    for len in 0..image.len() {
        failed(&image[..len], Handles::new());
    }
    for at in 0..image.len() {
        let mut damaged = image.clone();
        damaged[at] ^= 0x10;
        failed(&damaged, Handles::new());
    }
    failed(&to_vec(&skin(1, 1)).unwrap(), Handles::new());
    failed(&image, Handles::new().with("log", 7_u8));
    failed(&image, Handles::new().with("lgo", Log(String::new())));
    failed(&image, Handles::new().with("log", Log("broken".into())));
    restore_in_place(&mut running, &image, Handles::new()).unwrap();
    assert_eq!(running, game(1, 200, "running"), "the twin that is whole");
}

#[test]
fn forged_values_that_end_anywhere_change_nothing() {
    use samestate_image::build::{Built, Parts};
    use samestate_image::{Header, Image};

    let bytes = to_vec(&game(1, 100, "old")).unwrap();
    let image = Image::from_bytes(&bytes[..]).unwrap();
    let (schema, values) = (image.schema(), image.values());
    let blocks: Vec<&[u8]> = image.blocks().collect();
    let forged = |values: &[u8], blocks: &[&[u8]]| {
        let parts = Parts {
            root_hash: schema.root_hash(),
            schema: &schema.encode(),
            values,
            volatile: &[],
        };
        Built::new(parts, blocks.iter().copied()).unwrap().to_vec(&Header::default())
    };
    let before = used(game(2, 200, "running"));
    let mut running = before.clone();
    let longer = [values, &[0]].concat();
    let mut cases: Vec<Vec<u8>> =
        (0..values.len()).map(|len| forged(&values[..len], &blocks)).collect();
    cases.extend([forged(&longer, &blocks), forged(values, &[])]);
    for case in cases {
        assert!(restore_in_place(&mut running, &case, Handles::new()).is_err());
        assert_eq!(running, before);
    }
    restore_in_place(&mut running, &forged(values, &blocks), Handles::new()).unwrap();
    assert_eq!(running, game(1, 200, "running"));
}

#[test]
fn a_store_restores_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let mut running = used(game(2, 200, "running"));
    assert!(!store.restore_in_place(&mut running, Handles::new()).unwrap());
    assert_eq!(running, used(game(2, 200, "running")));
    let saved = store.save(&game(1, 100, "old"), 5).unwrap();
    assert!(store.restore_in_place(&mut running, Handles::new()).unwrap());
    assert_eq!(running, game(1, 200, "running"));
    store.resume(&running);
    // The numbers of saves go on behind the one that was restored.
    let mut other = Store::open(dir.path()).unwrap();
    other.restore_in_place_from(&saved.path, &mut running, Handles::new()).unwrap();
    drop(store);
    let next = other.save(&running, 6).unwrap();
    assert_eq!(samestate_image::Image::open(next.path).unwrap().header().seq, 1);
}
