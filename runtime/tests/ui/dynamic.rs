use samestate::Checkpoint;

#[samestate::dynamic]
trait Generic<T> {
    type Output;
    fn run(&self, value: T) -> Self::Output;
}

#[samestate::dynamic(title = "Device")]
trait Titled {}

#[samestate::dynamic]
trait Device {}

trait Plain {}

#[derive(Checkpoint)]
#[checkpoint(implements(Device, "uart"), implements(dyn Device))]
struct Mistaken;

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Device, "many"))]
struct Many<T>(T);

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Device, "stranger"))]
struct Stranger;

#[derive(Checkpoint)]
struct Holder {
    plain: Box<dyn Plain>,
}

#[samestate::dynamic]
struct NoTrait;

fn main() {}
