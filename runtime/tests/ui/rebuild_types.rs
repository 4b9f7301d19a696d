use samestate::Checkpoint;

#[derive(Checkpoint)]
struct Sim {
    ram: Vec<u8>,
    #[checkpoint(rebuild = wrong_argument, needs(ram))]
    a: u8,
    #[checkpoint(rebuild = not_a_result, needs(ram))]
    b: u8,
}

fn wrong_argument(ram: &String) -> Result<u8, String> {
    Ok(ram.len() as u8)
}

fn not_a_result(ram: &Vec<u8>) -> u8 {
    ram[0]
}

fn main() {}
