//! Character encodings of files: a byte order mark is removed, and UTF-16 becomes UTF-8 while it is read. It must not
//! guess: bytes without a mark stay as they are.

use std::io::{self, BufRead, Chain, Cursor, Read};

use zeroize::Zeroizing;

/// The byte order mark of UTF-8.
pub const UTF_8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Returns whether bytes begin with a byte order mark of UTF-16.
pub fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF")
}

/// A reader of a text without its byte order mark, of UTF-16 as UTF-8. Its buffer is wiped when dropped.
pub struct Decoded<R> {
    input: Chain<Cursor<Vec<u8>>, R>,
    marked: bool,
    wide: Option<Wide>,
    text: Zeroizing<Vec<u8>>,
    at: usize,
}

/// The state between two pieces of UTF-16.
struct Wide {
    unit: fn([u8; 2]) -> u16,
    byte: Option<u8>,
    high: Option<u16>,
}

impl<R: BufRead> Decoded<R> {
    /// Reads the byte order mark, if there is one.
    pub fn new(mut input: R) -> io::Result<Self> {
        let mut start = Vec::with_capacity(UTF_8_MARK.len());
        (&mut input).take(3).read_to_end(&mut start)?;
        let unit: Option<fn([u8; 2]) -> u16> = match start.as_slice() {
            [0xFF, 0xFE, ..] => Some(u16::from_le_bytes),
            [0xFE, 0xFF, ..] => Some(u16::from_be_bytes),
            _ => None,
        };
        let mark = match unit {
            Some(_) => 2,
            None if start == UTF_8_MARK => 3,
            None => 0,
        };
        let wide = unit.map(|unit| Wide { unit, byte: None, high: None });
        let input = Cursor::new(start.split_off(mark)).chain(input);
        Ok(Self { input, marked: mark > 0, wide, text: Zeroizing::new(Vec::new()), at: 0 })
    }

    /// Returns whether a byte order mark said that the text is Unicode; what is read is UTF-8 then.
    pub const fn is_marked(&self) -> bool {
        self.marked
    }
}

impl Wide {
    fn decode(&mut self, bytes: &[u8], text: &mut Vec<u8>) -> io::Result<()> {
        for byte in bytes {
            let Some(first) = self.byte.take() else {
                self.byte = Some(*byte);
                continue;
            };
            let unit = (self.unit)([first, *byte]);
            let letter = match self.high.take() {
                None if (0xD800..0xDC00).contains(&unit) => {
                    self.high = Some(unit);
                    continue;
                }
                None => char::from_u32(unit.into()),
                Some(high) => char::decode_utf16([high, unit]).next().and_then(Result::ok),
            };
            let letter = letter.ok_or_else(not_utf_16)?;
            text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }
}

fn not_utf_16() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it begins as UTF-16 and is not UTF-16")
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let Some(wide) = &mut self.wide else { return self.input.fill_buf() };
        while self.at >= self.text.len() {
            self.text.clear();
            self.at = 0;
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                if wide.byte.is_some() || wide.high.is_some() {
                    return Err(not_utf_16());
                }
                break;
            }
            // A unit of two bytes is at most three bytes of UTF-8; the buffer never grows, so that it leaves no copy.
            let bytes = bytes.get(..bytes.len().min(PIECE)).unwrap_or_default();
            if self.text.capacity() == 0 {
                self.text.reserve_exact(PIECE * 3);
            }
            wide.decode(bytes, &mut self.text)?;
            let used = bytes.len();
            self.input.consume(used);
        }
        Ok(self.text.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        if self.wide.is_some() {
            self.at += amount;
        } else {
            self.input.consume(amount);
        }
    }
}

/// The most bytes that are decoded at once.
const PIECE: usize = 16 * 1024;

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let read = bytes.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

/// Returns the letter of a byte by the WHATWG Encoding Standard's index of windows-1252.
pub(crate) fn windows_1252(byte: u8) -> char {
    const UPPER: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let upper = byte.checked_sub(0x80).and_then(|at| UPPER.get(usize::from(at)));
    upper.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn wide(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes_of).collect()
    }

    fn read(bytes: &[u8], piece: usize) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Decoded::new(BufReader::with_capacity(piece, bytes))?.read_to_end(&mut text)?;
        Ok(text)
    }

    proptest! {
        #[test]
        fn decoded_reads_utf_16_of_either_order_in_any_pieces(text in any::<String>(), piece in 1..9_usize) {
            for bytes in [wide(&text, u16::to_le_bytes), wide(&text, u16::to_be_bytes)] {
                prop_assert_eq!(read(&bytes, piece).expect("UTF-16"), text.as_bytes());
            }
            let marked = [UTF_8_MARK, text.as_bytes()].concat();
            prop_assert_eq!(read(&marked, piece).expect("bytes"), text.as_bytes());
        }

        #[test]
        fn decoded_leaves_bytes_without_a_mark(bytes in prop::collection::vec(any::<u8>(), 0..20), piece in 1..9_usize) {
            prop_assume!(!is_utf_16(&bytes) && !bytes.starts_with(UTF_8_MARK));
            prop_assert_eq!(read(&bytes, piece).expect("bytes"), bytes);
        }
    }

    #[test]
    fn decoded_refuses_broken_utf_16() {
        for bytes in [&b"\xFF\xFEa"[..], b"\xFF\xFE\x00\xD8", b"\xFF\xFE\x00\xDC", b"\xFF\xFE\x00\xD8a\x00"] {
            assert!(read(bytes, 64).is_err(), "{bytes:?}");
        }
    }
}
