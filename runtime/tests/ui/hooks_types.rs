use samestate::{Checkpoint, RestoreError, SaveError};

#[derive(Checkpoint)]
#[checkpoint(before_save = Self::before_save, after_save = Self::after_save)]
#[checkpoint(after_restore = Self::after_restore, restore_failed = Self::nowhere)]
#[checkpoint(migrate(u16, with = Self::migrate))]
struct Types {
    state: u8,
}

impl Types {
    /// It says nothing.
    fn before_save(&self) {}

    /// It is not told how it went.
    fn after_save(&self) {}

    /// It takes the value.
    fn after_restore(self) -> Result<(), String> {
        Ok(())
    }

    /// It cannot fail.
    fn migrate(old: u16) -> Self {
        Self { state: old as u8 }
    }
}

#[derive(Checkpoint)]
#[checkpoint(before_save = before, after_save = after, before_restore = ready)]
#[checkpoint(after_restore = judge, restore_failed = failed)]
struct Fits(u8);

fn before(_: &Fits) -> Result<(), &'static str> {
    Ok(())
}
fn after(_: &Fits, _: Result<(), &SaveError>) {}
fn ready(_: Option<&Fits>) -> Result<(), &'static str> {
    Ok(())
}
fn judge(_: &mut Fits) -> Result<(), &'static str> {
    Ok(())
}
fn failed(_: Option<&Fits>, _: &RestoreError) {}

fn main() {}
