/// Output that has broken readers of terminal output, with the text in it. The tests of every reader include
/// this file and run over the table. How a reader treats control characters is in its own tests.
const SEQUENCES: &[(&[u8], &str)] = &[
    (b"plain", "plain"),
    // Colours, and what `tput sgr0` writes after them.
    (b"\x1b[1;31mred\x1b[0m text", "red text"),
    (b"\x1b[1mbold\x1b(B\x1b[m end", "bold end"),
    (b"\x1b)0a\x1b*Bb\x1b#8c\x1b%Gd", "abcd"),
    (b"\x1b[38:2::1:2:3ma\x1b[4:3mb\x1b[58;5;1mc", "abc"),
    // Text commands: titles, links, the clipboard, with both ends.
    (b"\x1b]0;title\x07a\x1b]2;title\x1b\\b", "ab"),
    (b"\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
    (b"\x1b]52;c;aGVsbG8=\x07a", "a"),
    ("\u{1b}]0;título 登录\u{7}a".as_bytes(), "a"),
    (b"a\x1b]0;cut\x1b[31mb", "ab"),
    // Device control, application commands, private messages, strings.
    (b"\x1bP1$r0m\x1b\\a\x1bPq#0;2;0~-\x1b\\b", "ab"),
    (b"\x1b_Gf=32;AAAA\x1b\\a\x1b^pm\x1b\\b\x1bXsos\x1b\\c", "abc"),
    // Cursor, modes, and sequences with private marks and intermediates.
    (b"a\x1b[2J\x1b[10;10Hb\x1b[?25l\x1b[?1049h\x1b[>4;2mc\x1b[=1uc", "abcc"),
    (b"a\x1b[2 qb\x1b[!pc\x1b[1$}d\x1b[?1$pe", "abcde"),
    (b"a\x1b7b\x1b8c\x1b=d\x1b>e\x1bcf\x1bMg", "abcdefg"),
    (b"a\x1b \x46b\x1b\x1b[31mc", "abc"),
    // Wide letters, letters of several characters, and the rest of a character that was cut.
    ("\u{1b}[32m登录\u{1b}[0m e\u{301} 👩‍💻".as_bytes(), "登录 e\u{301} 👩‍💻"),
    (b"a\xe7\x99\x1b[31mb\xff", "a\u{fffd}b\u{fffd}"),
];
