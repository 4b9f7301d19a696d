//! The three states that are saved and restored, the same in every run.

use std::collections::HashMap;

use fastrand::Rng;

/// How many particles and how many plain structs there are.
const COUNT: usize = 1_000_000;

/// A state that is measured: how large it is in memory, and how to make it.
pub(crate) trait State: Sized + PartialEq + Clone {
    /// What tables call it.
    const TITLE: &'static str;

    /// Makes one.
    fn generate() -> Self;

    /// Bytes that it takes in memory, without what the allocator adds.
    fn live(&self) -> usize;
}

/// Derives everything that is compared.
macro_rules! every_format {
    ($($item:item)*) => {$(
        #[derive(
            Clone, Debug, PartialEq,
            samestate::Checkpoint,
            bitcode::Encode, bitcode::Decode,
            borsh::BorshSerialize, borsh::BorshDeserialize,
            rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
            savefile_derive::Savefile,
            serde::Serialize, serde::Deserialize,
            speedy::Readable, speedy::Writable,
            wincode::SchemaRead, wincode::SchemaWrite,
        )]
        $item
    )*};
}

every_format! {
    /// Particles, an array per quantity.
    pub(crate) struct Particles {
        pub(crate) x: Vec<f64>,
        pub(crate) y: Vec<f64>,
        pub(crate) z: Vec<f64>,
        pub(crate) vx: Vec<f64>,
        pub(crate) vy: Vec<f64>,
        pub(crate) vz: Vec<f64>,
        pub(crate) mass: Vec<f64>,
        pub(crate) id: Vec<u64>,
        pub(crate) cell: Vec<u32>,
    }

    /// A plain struct of 64 bytes.
    #[repr(C)]
    #[derive(Copy, bytemuck::Pod, bytemuck::Zeroable)]
    pub(crate) struct Body {
        pub(crate) position: [f64; 3],
        pub(crate) velocity: [f64; 3],
        pub(crate) mass: f64,
        pub(crate) id: u32,
        pub(crate) flags: u32,
    }

    /// One array of plain structs.
    pub(crate) struct Bodies {
        pub(crate) bodies: Vec<Body>,
    }

    /// What an entity does.
    pub(crate) enum Activity {
        Idle,
        Moving { speed: f32, heading: f32 },
        Trading(u64, u32),
    }

    /// A small struct of many kinds of fields.
    pub(crate) struct Entity {
        pub(crate) name: String,
        pub(crate) owner: Option<u32>,
        pub(crate) activity: Activity,
        pub(crate) inventory: Vec<u32>,
        pub(crate) position: [f32; 3],
    }

    /// Small structs and maps.
    pub(crate) struct World {
        pub(crate) entities: Vec<Entity>,
        pub(crate) by_name: HashMap<String, u32>,
        pub(crate) neighbors: HashMap<u64, Vec<u32>>,
    }
}

impl State for Particles {
    const TITLE: &'static str = "particles: 1,000,000 x (7 f64, u64, u32) as nine arrays";

    fn generate() -> Self {
        let mut rng = Rng::with_seed(1);
        let mut column = || -> Vec<f64> { (0..COUNT).map(|_| rng.f64()).collect() };
        Self {
            x: column(),
            y: column(),
            z: column(),
            vx: column(),
            vy: column(),
            vz: column(),
            mass: column(),
            id: (0..COUNT as u64).collect(),
            cell: (0..COUNT).map(|_| rng.u32(..100_000)).collect(),
        }
    }

    fn live(&self) -> usize {
        self.arrays().iter().map(|array| array.len()).sum()
    }
}

impl Particles {
    /// The arrays as bytes.
    pub(crate) fn arrays(&self) -> [&[u8]; 9] {
        let Self { x, y, z, vx, vy, vz, mass, id, cell } = self;
        let reals = [x, y, z, vx, vy, vz, mass].map(|array| bytemuck::cast_slice(array));
        let [x, y, z, vx, vy, vz, mass] = reals;
        [x, y, z, vx, vy, vz, mass, bytemuck::cast_slice(id), bytemuck::cast_slice(cell)]
    }
}

impl State for Bodies {
    const TITLE: &'static str = "structs: one array of 1,000,000 `repr(C)` structs of 64 bytes";

    fn generate() -> Self {
        let mut rng = Rng::with_seed(2);
        let bodies = (0..COUNT).map(|_| Body {
            position: std::array::from_fn(|_| rng.f64()),
            velocity: std::array::from_fn(|_| rng.f64()),
            mass: rng.f64(),
            id: rng.u32(..),
            flags: rng.u32(..16),
        });
        Self { bodies: bodies.collect() }
    }

    fn live(&self) -> usize {
        size_of_val(&*self.bodies)
    }
}

impl State for World {
    const TITLE: &'static str = "mixed: 200,000 structs (String, Option, enum, Vec, array) and two \
                                 HashMaps of 50,000 entries";

    fn generate() -> Self {
        let mut rng = Rng::with_seed(3);
        let entities = (0..200_000).map(|index| Entity {
            name: format!("entity-{index}-{}", "x".repeat(rng.usize(..12))),
            owner: rng.bool().then(|| rng.u32(..)),
            activity: match rng.u8(..3) {
                0 => Activity::Idle,
                1 => Activity::Moving { speed: rng.f32(), heading: rng.f32() },
                _ => Activity::Trading(rng.u64(..), rng.u32(..1000)),
            },
            inventory: (0..rng.usize(..23)).map(|_| rng.u32(..5000)).collect(),
            position: std::array::from_fn(|_| rng.f32()),
        });
        let entities = entities.collect();
        let by_name = (0..50_000).map(|index| (format!("key-{:08x}-{index}", rng.u32(..)), index));
        let by_name = by_name.collect();
        let neighbors = (0..50_000).map(|_| {
            let list: Vec<u32> = (0..rng.usize(..96)).map(|_| rng.u32(..200_000)).collect();
            (rng.u64(..), list)
        });
        Self { entities, by_name, neighbors: neighbors.collect() }
    }

    fn live(&self) -> usize {
        let Self { entities, by_name, neighbors } = self;
        let entity = |e: &Entity| e.name.len() + size_of_val(&*e.inventory);
        size_of_val(&**entities)
            + entities.iter().map(entity).sum::<usize>()
            + table(by_name)
            + by_name.keys().map(String::len).sum::<usize>()
            + table(neighbors)
            + neighbors.values().map(|list| size_of_val(&**list)).sum::<usize>()
    }
}

/// Bytes of a hash table: its slots, and one control byte for each.
fn table<K, V>(map: &HashMap<K, V>) -> usize {
    // Seven eighths of the slots may be taken.
    let slots = (map.capacity() / 7) * 8;
    slots * (size_of::<(K, V)>() + 1)
}
