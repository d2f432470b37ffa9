//! Text in UTF-16: most tools on Windows still write it, and every other byte of its ASCII is zero.

/// Byte that stands for everything that is no ASCII. No pattern has it, so it ends words and tokens.
const OTHER: u8 = 0xff;

/// How the lines of a file are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A line ends with the byte 10.
    Bytes,
    /// A line ends with the unit 10, low byte first.
    LowFirst,
    /// A line ends with the unit 10, high byte first.
    HighFirst,
}

impl Form {
    /// Recognises UTF-16 by the beginning of a file: its mark, or zeros in every other place.
    pub(super) fn recognized(start: &[u8]) -> Self {
        match start {
            [0xff, 0xfe, ..] => return Self::LowFirst,
            [0xfe, 0xff, ..] => return Self::HighFirst,
            _ => {}
        }
        let start = &start[..start.len().min(4_096)];
        let zeros = |at: usize| start.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
        let (even, odd, units) = (zeros(0), zeros(1), start.len() / 2);
        // Text of another script has few zeros, but its spaces and line ends have theirs on one side.
        match units {
            0..=3 => Self::Bytes,
            _ if odd * 20 > units && even * 10 <= odd => Self::LowFirst,
            _ if even * 20 > units && odd * 10 <= even => Self::HighFirst,
            _ => Self::Bytes,
        }
    }

    /// Returns the number of line ends in a part of a file that begins at an even place.
    pub(super) fn lines(self, part: &[u8]) -> usize {
        let units = |end: [u8; 2]| part.chunks_exact(2).filter(|unit| **unit == end).count();
        match self {
            Self::Bytes => memchr::memchr_iter(b'\n', part).count(),
            Self::LowFirst => units([b'\n', 0]),
            Self::HighFirst => units([0, b'\n']),
        }
    }
}

/// Number of ASCII characters below which a reading of a text holds no secret.
const CHARACTERS_MIN: usize = 16;

/// One reading of bytes as UTF-16: the ASCII in it.
pub(super) struct Reading {
    /// The characters; [`OTHER`] for all that are no ASCII.
    pub text: Vec<u8>,
    /// Place of the first character's byte.
    start: usize,
}

impl Reading {
    /// Returns the place of a character's byte.
    pub(super) fn place(&self, character: usize) -> usize {
        self.start + 2 * character
    }
}

/// Returns the readings of bytes as UTF-16, in both orders, from the first and from the second byte: a file that
/// was put together has such text at any place. Two readings may hold the same characters at the same places.
pub(super) fn readings(bytes: &[u8]) -> Vec<Reading> {
    if memchr::memchr(0, bytes).is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for from in [0, 1] {
        for (low, high) in [(0, 1), (1, 0)] {
            let units = bytes.get(from..).unwrap_or_default().chunks_exact(2);
            let is_ascii = |unit: &[u8]| unit[high] == 0 && (1..0x80).contains(&unit[low]);
            if units.clone().filter(|unit| is_ascii(unit)).count() >= CHARACTERS_MIN {
                let text = units.map(|unit| if is_ascii(unit) { unit[low] } else { OTHER }).collect();
                found.push(Reading { text, start: from + low });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(encode).collect()
    }

    #[test]
    fn ascii_is_read_in_both_orders_and_at_odd_places() {
        for encode in [u16::to_le_bytes, u16::to_be_bytes] {
            for lead in [&b""[..], b"\xff", b"binary\0"] {
                // The low bytes of both ideographs are ASCII letters.
                let bytes = [lead, &encoded("\u{4e41}key=a1b2c3d4e5f6g7h8\u{4e42}", encode)].concat();
                let wanted = b"\xffkey=a1b2c3d4e5f6g7h8\xff";
                let readings = readings(&bytes);
                let is_whole =
                    |reading: &Reading| reading.text.windows(wanted.len()).any(|part| part == wanted);
                assert!(readings.iter().any(is_whole), "{lead:?}");
                for reading in &readings {
                    let at = reading.text.iter().position(|byte| *byte == b'y').unwrap();
                    assert_eq!(bytes[reading.place(at)], b'y');
                }
            }
        }
        assert!(readings(b"no zero at all, however long the text is").is_empty());
    }

    #[test]
    fn form_and_lines_are_those_of_the_units() {
        // U+0A0A and U+010A hold the byte 10 without ending a line.
        let text = "ab\u{0a0a}\u{010a}\ncd\n";
        let (low, high) = (encoded(text, u16::to_le_bytes), encoded(text, u16::to_be_bytes));
        assert_eq!((Form::recognized(&low), Form::LowFirst.lines(&low)), (Form::LowFirst, 2));
        assert_eq!((Form::recognized(&high), Form::HighFirst.lines(&high)), (Form::HighFirst, 2));
        assert_eq!((Form::recognized(b"plain text\n"), Form::Bytes.lines(b"a\nb\n")), (Form::Bytes, 2));
        assert_eq!(Form::recognized(&[0; 64]), Form::Bytes);
    }
}
