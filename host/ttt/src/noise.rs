//! Normal noise that whoever computes it draws alike: number `i` of draw `n` follows from the seed alone, so that a device may
//! draw all numbers at once.

/// Mixes bits well enough that neighbours share nothing.
///
/// *Source*: `SplitMix64`, Steele and others 2014.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Standard normal numbers, one after another.
pub struct Noise {
    key: u64,
    at: u64,
    /// The second of a pair, which the next call takes.
    other: Option<f32>,
}

impl Noise {
    pub fn new(seed: u64, draw: u64) -> Self {
        Self { key: mixed(mixed(seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_add(draw)), at: 0, other: None }
    }

    /// The next number: pairs by Box and Muller.
    pub fn normal(&mut self) -> f32 {
        if let Some(other) = self.other.take() {
            return other;
        }
        self.at += 1;
        let bits = mixed(self.key.wrapping_add(self.at.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        // 24 bits each: what f32 holds exactly; the first is never 0.
        let [first, second] = [bits >> 40, bits >> 16 & 0xff_ffff];
        let first = (first as f32 + 1.0) / 16_777_216.0;
        let angle = second as f32 / 16_777_216.0 * std::f32::consts::TAU;
        let length = (-2.0 * first.ln()).sqrt();
        self.other = Some(length * angle.sin());
        length * angle.cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_normal_and_differs_from_draw_to_draw() {
        let draw = |seed, n| {
            let mut noise = Noise::new(seed, n);
            (0..20_000).map(|_| noise.normal()).collect::<Vec<f32>>()
        };
        let all = draw(1, 0);
        let mean = |of: &dyn Fn(f32) -> f32| all.iter().map(|&x| of(x)).sum::<f32>() / all.len() as f32;
        assert!(mean(&|x| x).abs() < 0.03 && (mean(&|x| x * x) - 1.0).abs() < 0.05);
        assert!((mean(&|x| f32::from(x.abs() < 1.0)) - 0.683).abs() < 0.02);
        assert_eq!(draw(1, 0), all);
        assert!(draw(1, 1) != all && draw(2, 0) != all);
    }
}
