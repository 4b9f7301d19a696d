//! A display of 64 by 32 points, and what is drawn on it.

use crate::stream::{Damaged, Reader, Writer};

/// Points in a row.
pub(crate) const WIDTH: usize = 64;
/// Rows.
pub(crate) const HEIGHT: usize = 32;

/// The display.
#[derive(Clone, Debug)]
pub(crate) struct Display {
    points: [u8; WIDTH * HEIGHT],
    /// Where the next point goes: column and row.
    cursor: (u8, u8),
    /// The color of what is drawn and of what is cleared.
    ink: u8,
    paper: u8,
    frames: u32,
    /// The frame as characters, drawn anew whenever somebody looks.
    shown: String,
}

impl Display {
    /// A blank display.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            points: [0; WIDTH * HEIGHT],
            cursor: (0, 0),
            ink: 1,
            paper: 0,
            frames: 0,
            shown: String::new(),
        }
    }

    /// Writes one of its registers.
    pub(crate) fn write(&mut self, register: u16, value: u8) {
        match register {
            0 => self.cursor.0 = value % 64,
            1 => self.cursor.1 = value % 32,
            2 => self.draw(value),
            3 => self.ink = value,
            4 => self.paper = value,
            5 => self.points.fill(self.paper),
            _ => self.frames += 1,
        }
    }

    fn draw(&mut self, pattern: u8) {
        let at = usize::from(self.cursor.1) * WIDTH;
        for bit in 0..8_u8 {
            let column = usize::from(self.cursor.0.wrapping_add(bit)) % WIDTH;
            let is_set = pattern & (0x80 >> bit) != 0;
            self.points[at + column] = if is_set { self.ink } else { self.paper };
        }
        self.cursor.0 = self.cursor.0.wrapping_add(8) % 64;
    }

    /// How many frames were finished.
    #[must_use]
    pub(crate) fn frames(&self) -> u32 {
        self.frames
    }

    /// The frame as characters.
    pub(crate) fn show(&mut self) -> &str {
        self.shown.clear();
        for row in self.points.chunks(WIDTH) {
            let characters = row.iter().map(|&point| if point == 0 { '.' } else { '#' });
            self.shown.extend(characters);
            self.shown.push('\n');
        }
        &self.shown
    }
}

impl Default for Display {
    fn default() -> Self {
        Self::new()
    }
}

/// Appends the state of a display.
pub(crate) fn save_display(display: &Display, writer: &mut Writer) {
    writer.raw(&display.points);
    writer.u8(display.cursor.0);
    writer.u8(display.cursor.1);
    let colors = [display.ink, display.paper];
    writer.raw(&colors);
    writer.u32(display.frames);
}

/// Takes the state of a display back.
///
/// # Errors
/// If the stream is not what `save_display` wrote.
pub(crate) fn load_display(display: &mut Display, reader: &mut Reader<'_>) -> Result<(), Damaged> {
    reader.fill(&mut display.points)?;
    display.cursor.0 = reader.u8()?;
    display.cursor.1 = reader.u8()?;
    display.ink = reader.u8()?;
    display.paper = reader.u8()?;
    display.frames = reader.u32()?;
    Ok(())
}
