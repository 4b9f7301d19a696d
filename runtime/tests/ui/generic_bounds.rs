use samestate::Checkpoint;

#[derive(Checkpoint)]
struct Pool<T> {
    items: Vec<T>,
}

struct Handle;

fn main() {
    fn implements<T: Checkpoint>() {}
    implements::<Pool<u8>>();
    implements::<Pool<Handle>>();
}
