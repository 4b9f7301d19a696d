//! The state of the simulation, and how it goes from one step to the next.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;

use samestate::Checkpoint;

use crate::log::Log;
use crate::rng::Rng;

/// The particles live in a square box with sides of this length.
const SIDE: f32 = 16.0;

/// How many particles there are in each cell of the box that has any.
type Cells = BTreeMap<(u8, u8), u32>;

/// One particle.
#[derive(Checkpoint, Clone, Copy)]
pub(crate) struct Particle {
    position: [f32; 2],
    velocity: [f32; 2],
}

/// Everything that a run is made of.
#[derive(Checkpoint)]
#[checkpoint(root, version = 1)]
pub(crate) struct Simulation {
    step: u64,
    particles: Vec<Particle>,
    rng: Rng,
    #[cfg(not(feature = "drifted"))]
    drag: f32,
    #[cfg(feature = "drifted")]
    drag: f64,
    #[checkpoint(rebuild = Self::count_cells, needs(particles))]
    cells: Cells,
    #[checkpoint(skip(default), reason = "only holds the line that is being written")]
    line: String,
    #[checkpoint(external = "log")]
    log: Log,
}

impl Simulation {
    /// A simulation at step 0.
    pub(crate) fn new(particles: usize, seed: u64, log: Log) -> Self {
        let mut rng = Rng::seeded(seed);
        let mut place = || (rng.signed_unit() + 1.0) * SIDE / 2.0;
        let particles: Vec<Particle> = (0..particles)
            .map(|_| Particle { position: [place(), place()], velocity: [0.0; 2] })
            .collect();
        let cells = match Self::count_cells(&particles) {
            Ok(cells) => cells,
            Err(never) => match never {},
        };
        Self { step: 0, particles, rng, drag: 0.01, cells, line: String::new(), log }
    }

    /// How many steps were made.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// Kicks one particle, moves all of them, and writes a line to the log.
    pub(crate) fn advance(&mut self) -> io::Result<()> {
        self.step += 1;
        let kicked = self.rng.below(self.particles.len().max(1));
        let kick = [self.rng.signed_unit(), self.rng.signed_unit()];
        if let Some(particle) = self.particles.get_mut(kicked) {
            particle.velocity[0] += kick[0];
            particle.velocity[1] += kick[1];
        }
        let keep = kept(self.drag);
        let mut energy = 0.0;
        for particle in &mut self.particles {
            particle.advance(keep);
            energy += particle.energy();
        }
        self.cells = match Self::count_cells(&self.particles) {
            Ok(cells) => cells,
            Err(never) => match never {},
        };
        self.line.clear();
        self.line.push_str(&format!(
            "step {} kicked {kicked} energy {energy:.4} cells {} draws {}",
            self.step,
            self.cells.len(),
            self.rng.draws(),
        ));
        self.log.line(&self.line)
    }

    /// Counts the particles in each cell; a restored simulation gets its cells from here, too.
    fn count_cells(particles: &Vec<Particle>) -> Result<Cells, Infallible> {
        let mut cells = Cells::new();
        for particle in particles {
            *cells.entry(particle.cell()).or_default() += 1;
        }
        Ok(cells)
    }
}

/// What the drag leaves of a velocity.
fn kept(drag: impl Into<f64>) -> f64 {
    1.0 - drag.into()
}

impl Particle {
    /// Moves for one step; `keep` is what the drag leaves of the velocity.
    fn advance(&mut self, keep: f64) {
        for axis in 0..2 {
            #[expect(clippy::cast_possible_truncation, reason = "a float only loses precision")]
            let velocity = (f64::from(self.velocity[axis]) * keep) as f32;
            let position = self.position[axis] + velocity * 0.1;
            let inside = (0.0..SIDE).contains(&position);
            self.velocity[axis] = if inside { velocity } else { -velocity };
            self.position[axis] = if inside { position } else { self.position[axis] };
        }
    }

    fn energy(&self) -> f32 {
        self.velocity.iter().map(|v| v * v / 2.0).sum()
    }

    /// The cell that the particle is in; cells have sides of length 1.
    fn cell(&self) -> (u8, u8) {
        #[expect(clippy::cast_possible_truncation, reason = "positions are in 0..SIDE")]
        #[expect(clippy::cast_sign_loss, reason = "positions are in 0..SIDE")]
        let index = |axis: usize| self.position[axis] as u8;
        (index(0), index(1))
    }
}
