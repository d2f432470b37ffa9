use super::*;

#[test]
fn offsets_beyond_two_gigabytes_are_in_a_table_of_their_own() {
    let id = |byte: u8| Oid::from_bytes(&[byte; 20]).unwrap();
    let object = |byte, offset| Packed { id: id(byte), kind: ObjectType::Blob, offset, crc: 1 };
    let mut objects = [object(9, 12), object(3, 1 << 33), object(3, 1 << 31)];
    let bytes = index(&mut objects, &[5; 20]);
    // Header, counts, three ids, checksums and offsets, two large offsets, two checksums.
    assert_eq!(bytes.len(), 8 + 1024 + 3 * 28 + 16 + 40);
    let count = |first: usize| u32::from_be_bytes(bytes[8 + first * 4..12 + first * 4].try_into().unwrap());
    assert_eq!((count(2), count(3), count(8), count(9), count(255)), (0, 2, 2, 3, 3));
    let offsets = 8 + 1024 + 3 * 24;
    assert_eq!(bytes[offsets..offsets + 12], [0x80, 0, 0, 0, 0x80, 0, 0, 1, 0, 0, 0, 12]);
}
