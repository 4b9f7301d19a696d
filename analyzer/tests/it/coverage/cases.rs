//! Ways in which a hand-written impl saves and restores, and what is to be said of each.

pub(super) const RESTORE: &str =
    "Some(Self { state: u64::restore(restorer)?, draws: u64::restore(restorer)? })";
pub(super) const SAVE: &str = "self.state.save(saver); self.draws.save(saver);";

pub(super) const FORGETFUL: &str = "Some(Self { state: SEED, draws: u64::restore(restorer)? })";
pub(super) const FORGOTTEN: &[&str] = &["uncovered-field app::Root.rng.state"];

/// `save`, `restore`, and what must be found.
pub(super) const CASES: &[(&str, &str, &[&str])] = &[
    // Ways to save everything.
    (SAVE, RESTORE, &[]),
    ("let Self { state, draws } = self; state.save(saver); draws.save(saver);", RESTORE, &[]),
    ("let Rng { state, draws: d } = *self; for v in [state, d] { v.save(saver); }", RESTORE, &[]),
    ("self.put(saver);", RESTORE, &[]),
    ("put_all(self, saver);", RESTORE, &[]),
    (
        "let this = self; this.state.save(saver); Checkpoint::save(&this.draws, saver);",
        RESTORE,
        &[],
    ),
    ("saver.0.extend(format!(\"{} {}\", self.state, self.draws).bytes());", RESTORE, &[]),
    // Ways to restore everything.
    (
        SAVE,
        "let state = u64::restore(restorer)?; let draws = u64::restore(restorer)?; Some(Rng { state, draws })",
        &[],
    ),
    (
        SAVE,
        "let a = u64::restore(restorer)?; let b = u64::restore(restorer)?; Some(Self::new(a, b))",
        &[],
    ),
    (SAVE, "Self::take(restorer)", &[]),
    (
        SAVE,
        "let mut rng = Rng::new(0, 0); for field in [&mut rng.state, &mut rng.draws] { *field = u64::restore(restorer)?; } Some(rng)",
        &[],
    ),
    (
        SAVE,
        "let mut rng = Rng::new(0, 0); rng.state = u64::restore(restorer)?; rng.draws = u64::restore(restorer)?; Some(rng)",
        &[],
    ),
    // Forgotten on both sides.
    (
        "self.draws.save(saver);",
        "Some(Self { state: SEED, draws: u64::restore(restorer)? })",
        &["uncovered-field app::Root.rng.state"],
    ),
    (
        "self.draws.save(saver);",
        "let draws = u64::restore(restorer)?; Some(Self { draws, state: Default::default() })",
        &["uncovered-field app::Root.rng.state"],
    ),
    (
        "self.draws.save(saver);",
        "let mut rng = Rng::new(SEED, 0); rng.draws = u64::restore(restorer)?; Some(rng)",
        &["uncovered-field app::Root.rng.state"],
    ),
    (
        "let Self { draws, .. } = self; draws.save(saver);",
        "let d = u64::restore(restorer)?; Some(Self::new(SEED, d))",
        &["uncovered-field app::Root.rng.state"],
    ),
    // Logged, asserted, thrown away: not saved.
    (
        "self.draws.save(saver); println!(\"{}\", self.state);",
        "Some(Self { state: SEED, draws: u64::restore(restorer)? })",
        &["uncovered-field app::Root.rng.state"],
    ),
    (
        "self.draws.save(saver); assert!(self.state > 0); self.log(\"saved\");",
        "Some(Self { state: SEED, draws: u64::restore(restorer)? })",
        &["uncovered-field app::Root.rng.state"],
    ),
    (
        "let Self { state, draws } = self; debug_assert_ne!(*state, 0); draws.save(saver);",
        "Some(Self { state: SEED, draws: u64::restore(restorer)? })",
        &["uncovered-field app::Root.rng.state"],
    ),
    (
        "self.draws.save(saver); let _ = self.state;",
        "Some(Self { state: SEED, draws: u64::restore(restorer)? })",
        &["uncovered-field app::Root.rng.state"],
    ),
    // Tested, measured, compared, overwritten: not saved.
    ("self.draws.save(saver); if self.state > 3 { 1u8.save(saver); }", FORGETFUL, FORGOTTEN),
    (
        "self.draws.save(saver); if self.state > 3 && self.draws > 1 { return; }",
        FORGETFUL,
        FORGOTTEN,
    ),
    ("self.draws.save(saver); while self.state == 3 { return; }", FORGETFUL, FORGOTTEN),
    ("self.draws.save(saver); let big = self.state > 3; let _ = big;", FORGETFUL, FORGOTTEN),
    (
        "self.draws.save(saver); let big = matches!(self.state, 3 | 4); let _ = big;",
        FORGETFUL,
        FORGOTTEN,
    ),
    ("self.draws.save(saver); if self.state.eq(&3) { return; }", FORGETFUL, FORGOTTEN),
    ("self.draws.save(saver); self.state; drop(self.state);", FORGETFUL, FORGOTTEN),
    (
        "self.draws.save(saver); let state = self.state; println!(\"{state}\");",
        FORGETFUL,
        FORGOTTEN,
    ),
    (
        "let Self { state, draws } = self; draws.save(saver); let state = 5u64; state.save(saver);",
        FORGETFUL,
        FORGOTTEN,
    ),
    (
        "let this = self; let f = |s: &mut Saver| this.draws.save(s); f(saver);",
        FORGETFUL,
        FORGOTTEN,
    ),
    // The same words, and saved.
    (
        "if self.state > 3 { self.state.save(saver); } else { self.state.save(saver); } self.draws.save(saver);",
        RESTORE,
        &[],
    ),
    (
        "let Self { state, draws } = self; saver.0.extend(format!(\"{state} {draws}\").bytes());",
        RESTORE,
        &[],
    ),
    (
        "let f = |s: &mut Saver| { self.state.save(s); self.draws.save(s); }; f(saver);",
        RESTORE,
        &[],
    ),
    ("[&self.state, &self.draws].iter().for_each(|v| v.save(saver));", RESTORE, &[]),
    (
        "for v in [self.state, self.draws] { if v > 3 { v.save(saver); } else { v.save(saver); } }",
        RESTORE,
        &[],
    ),
    (
        "match (self.state, &self.draws) { (a, b) => { a.save(saver); b.save(saver); } }",
        RESTORE,
        &[],
    ),
    ("all!(self, saver, state draws);", RESTORE, &[]),
    ("all!(self, saver, draws);", FORGETFUL, FORGOTTEN),
    // Computed, and thrown away.
    ("self.draws.save(saver); let twice = self.state * 2; let _ = twice;", FORGETFUL, FORGOTTEN),
    (
        "self.draws.save(saver); let twice = self.state.wrapping_mul(2); let _more = twice + 1;",
        FORGETFUL,
        FORGOTTEN,
    ),
    (
        "self.draws.save(saver); let mut all = Vec::new(); all.push(self.state);",
        FORGETFUL,
        FORGOTTEN,
    ),
    ("self.draws.save(saver); self.state.to_le_bytes();", FORGETFUL, FORGOTTEN),
    // Computed, and written.
    (
        "let twice = self.state * 2; twice.save(saver); let more = self.draws + 1; saver.0.extend(more.to_le_bytes());",
        RESTORE,
        &[],
    ),
    (
        "let mut all = Vec::new(); all.push(self.state); all.extend([self.draws]); for v in all { v.save(saver); }",
        RESTORE,
        &[],
    ),
    (
        "let mut all = vec![]; for v in [self.state, self.draws] { all.extend_from_slice(&v.to_le_bytes()); } saver.0.append(&mut all);",
        RESTORE,
        &[],
    ),
    // Restored, and then overwritten or hidden by a constant.
    (
        SAVE,
        "let mut rng = Self { state: u64::restore(restorer)?, draws: u64::restore(restorer)? }; rng.state = SEED; Some(rng)",
        &["save-without-restore app::Root.rng.state"],
    ),
    (
        SAVE,
        "let mut state = u64::restore(restorer)?; let draws = u64::restore(restorer)?; state = SEED; Some(Self { state, draws })",
        &["save-without-restore app::Root.rng.state"],
    ),
    (
        SAVE,
        "let state = u64::restore(restorer)?; let draws = u64::restore(restorer)?; let state = SEED; Some(Self { state, draws })",
        &["save-without-restore app::Root.rng.state"],
    ),
    (
        SAVE,
        "Some(Self { state: { let _ = u64::restore(restorer)?; SEED }, draws: u64::restore(restorer)? })",
        &["save-without-restore app::Root.rng.state"],
    ),
    // A constant before, beside, or in doubt.
    (
        SAVE,
        "let mut rng = Rng::new(0, 0); rng.state = 0; rng.state = u64::restore(restorer)?; rng.draws = u64::restore(restorer)?; Some(rng)",
        &[],
    ),
    (
        SAVE,
        "let mut rng = Self { state: u64::restore(restorer)?, draws: u64::restore(restorer)? }; if rng.state == 0 { rng.state = SEED; } Some(rng)",
        &[],
    ),
    (
        SAVE,
        "let state = u64::restore(restorer)?; { let state = 5; drop(state); } let draws = { let d = u64::restore(restorer)?; d }; Some(Self { state, draws })",
        &[],
    ),
    (
        SAVE,
        "let mut state = 0; let mut draws = 0; for i in 0..2 { let v = u64::restore(restorer)?; if i == 0 { state = v } else { draws = v } } Some(Self { state, draws })",
        &[],
    ),
    // Behind conditions that the binary does not tell.
    (
        "self.draws.save(saver); #[cfg(feature = \"x\")] self.state.save(saver);",
        FORGETFUL,
        &["cannot-see app::Root.rng"],
    ),
    (
        "self.draws.save(saver); if cfg!(feature = \"x\") { self.state.save(saver); }",
        FORGETFUL,
        &["cannot-see app::Root.rng"],
    ),
    ("self.draws.save(saver); #[cfg(test)] self.state.save(saver);", FORGETFUL, FORGOTTEN),
    (
        "self.draws.save(saver); #[cfg(feature = \"x\")] self.state.save(saver); #[cfg(not(feature = \"x\"))] self.state.save(saver);",
        RESTORE,
        &[],
    ),
    ("self.draws.save(saver); #[cfg(not(test))] { self.state.save(saver); }", RESTORE, &[]),
    (
        SAVE,
        "Some(Self { #[cfg(feature = \"x\")] state: u64::restore(restorer)?, #[cfg(not(feature = \"x\"))] state: SEED, draws: u64::restore(restorer)? })",
        &["cannot-see app::Root.rng"],
    ),
    // A name that means something else under a condition.
    (
        "self.draws.save(saver); #[cfg(not(feature = \"x\"))] let state = self.state; #[cfg(feature = \"x\")] let state = 0_u64; state.save(saver);",
        FORGETFUL,
        &["cannot-see app::Root.rng"],
    ),
    (
        "self.draws.save(saver); #[cfg(feature = \"x\")] let state = 0_u64; #[cfg(not(feature = \"x\"))] let state = self.state; state.save(saver);",
        FORGETFUL,
        &["cannot-see app::Root.rng"],
    ),
    (
        "self.draws.save(saver); let state = self.state; #[cfg(feature = \"x\")] let state = 0_u64; state.save(saver);",
        FORGETFUL,
        &["cannot-see app::Root.rng"],
    ),
    (
        "self.draws.save(saver); #[cfg(not(feature = \"x\"))] let state = self.state; #[cfg(feature = \"x\")] let state = self.state + 1; state.save(saver);",
        RESTORE,
        &[],
    ),
    (
        "self.draws.save(saver); #[cfg(not(test))] let state = self.state; #[cfg(test)] let state = 0_u64; state.save(saver);",
        RESTORE,
        &[],
    ),
    (
        SAVE,
        "let draws = u64::restore(restorer)?; #[cfg(feature = \"x\")] let state = u64::restore(restorer)?; #[cfg(not(feature = \"x\"))] let state = SEED; Some(Self { state, draws })",
        &["cannot-see app::Root.rng"],
    ),
    (
        SAVE,
        "let draws = u64::restore(restorer)?; #[cfg(not(feature = \"x\"))] let state = SEED; #[cfg(feature = \"x\")] let state = u64::restore(restorer)?; Some(Self { state, draws })",
        &["cannot-see app::Root.rng"],
    ),
    (
        SAVE,
        "#[cfg(not(feature = \"x\"))] let state = u64::restore(restorer)?; #[cfg(feature = \"x\")] let state = u64::restore(restorer)? + 1; Some(Self { state, draws: u64::restore(restorer)? })",
        &[],
    ),
    // One side only.
    (
        SAVE,
        "let draws = u64::restore(restorer)?; let _ = u64::restore(restorer)?; Some(Self { state: SEED, draws })",
        &["save-without-restore app::Root.rng.state"],
    ),
    ("self.draws.save(saver);", RESTORE, &["restore-without-save app::Root.rng.state"]),
    // Computed from what was restored: nothing is lost.
    (
        "self.draws.save(saver);",
        "let draws = u64::restore(restorer)?; Some(Self { draws, state: draws.wrapping_mul(3) })",
        &[],
    ),
    // Out of sight: never clean.
    ("opaque::write(self, saver);", RESTORE, &["cannot-see app::Root.rng"]),
    (
        "opaque::nothing(self, saver);",
        RESTORE,
        &["restore-without-save app::Root.rng.draws", "restore-without-save app::Root.rng.state"],
    ),
    (
        SAVE,
        "Some(unsafe { std::ptr::read(restorer.0.as_ptr() as *const Rng) })",
        &["cannot-see app::Root.rng"],
    ),
];
