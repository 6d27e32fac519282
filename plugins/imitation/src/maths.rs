//! Exponential and logarithm made of additions and multiplications alone, so that a native build and
//! the sandbox agree to the last bit.

const LN_2: f64 = std::f64::consts::LN_2;
/// The series of `exp` about 0, highest power first.
const EXP: [f64; 9] =
    [1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
/// The series of the inverse hyperbolic tangent in its square, highest power first.
const LN: [f64; 8] = [1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0];

/// `e` to the power of `x`; 0 below -60.
pub fn exp(x: f32) -> f32 {
    let x = f64::from(x.min(60.0));
    if x < -60.0 {
        return 0.0;
    }
    let scaled = x / LN_2;
    let k = (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32;
    let r = x - f64::from(k) * LN_2;
    let sum = EXP.iter().fold(0.0, |sum, c| sum * r + c);
    (sum * f64::from_bits(((1023 + k) as u64) << 52)) as f32
}

/// The natural logarithm of a positive, normal number.
pub fn ln(x: f32) -> f32 {
    let bits = f64::from(x.max(f32::MIN_POSITIVE)).to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let sum = z * LN.iter().fold(0.0, |sum, c| sum * (z * z) + c);
    (2.0 * sum + exponent as f64 * LN_2) as f32
}

#[cfg(test)]
mod tests {
    use super::{exp, ln};

    #[test]
    fn agrees_with_the_library() {
        for i in -200..200 {
            let x = i as f32 * 0.11;
            assert!((exp(x) - x.exp()).abs() <= 1e-6 * x.exp(), "exp {x}");
            let y = x.exp();
            assert!((ln(y) - y.ln()).abs() < 1e-5, "ln {y}");
        }
        assert!(exp(-1000.0) <= 0.0);
    }
}
