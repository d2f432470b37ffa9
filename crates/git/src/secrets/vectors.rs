//! Test vectors: for each kind of secret made-up ones that are found, and look-alikes that are not. They are
//! put together at run time, so that no source file holds a token.

use std::io::Read;

use super::{Found, Work, search};

const WORK: u64 = 1 << 40;
const BASE62: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &str = "0123456789abcdef";

/// Makes a text up out of an alphabet, the same one each time. It begins with a letter and has a digit wherever
/// the alphabet has both.
fn chance(alphabet: &str, length: usize) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    // Knuth's multiplicative hash; the seed is any that gives a letter first.
    let at = |n: usize| (n + 11).wrapping_mul(2_654_435_761) >> 9;
    (0..length).map(|n| letters[at(n) % letters.len()]).collect()
}

fn b62(length: usize) -> String {
    chance(BASE62, length)
}

fn hex(length: usize) -> String {
    chance(HEX, length)
}

fn upper(length: usize) -> String {
    chance("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length)
}

fn found(text: &[u8]) -> Vec<Found> {
    found_in("src/settings.txt", text)
}

fn found_in(path: &str, text: &[u8]) -> Vec<Found> {
    search(text, path.as_bytes(), &mut Work(WORK)).unwrap()
}

fn kinds(text: &str) -> Vec<&'static str> {
    found(text.as_bytes()).iter().map(|found| found.kind).collect()
}

/// Joins the pieces of a token, so that no line of this file holds its beginning.
fn join(parts: &[&str]) -> String {
    parts.concat()
}

/// Returns secrets by kind.
fn secrets() -> Vec<(&'static str, String)> {
    let mut all = providers();
    all.extend(models_and_chats());
    all.extend(clouds());
    all.extend(keys_and_addresses());
    all
}

fn providers() -> Vec<(&'static str, String)> {
    vec![
        ("GitHub token", join(&["gh", "p_", &b62(36)])),
        ("GitHub token", join(&["gh", "o_", &b62(36)])),
        ("GitHub token", join(&["github", "_pat_", &b62(22), "_", &b62(59)])),
        ("GitLab token", join(&["glpat", "-", &b62(20)])),
        ("GitLab token", join(&["glrt", "-", &b62(20)])),
        ("GitLab token", join(&["gldt", "-", &b62(20)])),
        ("GitLab token", join(&["glptt", "-", &hex(40)])),
        ("GitLab token", join(&["glpat", "-", &b62(27), ".01.", &hex(9)])),
        ("GitLab runner registration token", join(&["GR134", "8941", &b62(20)])),
        ("PyPI token", join(&["pypi", "-AgEIcHlwaS5vcmc", &b62(120)])),
        ("npm token", join(&["npm", "_", &b62(36)])),
        ("Cargo token", join(&["ci", "o", &b62(32)])),
        ("RubyGems token", join(&["rubygems", "_", &hex(48)])),
        ("Docker token", join(&["dckr", "_pat_", &b62(27)])),
        ("Docker token", join(&["dckr", "_oat_", &b62(32)])),
        ("Stripe key", join(&["sk", "_live_", &b62(24)])),
        ("Stripe key", join(&["rk", "_live_", &b62(99)])),
        ("Stripe web hook secret", join(&["wh", "sec_", &b62(32)])),
        ("SendGrid token", join(&["SG", ".", &b62(22), ".", &b62(43)])),
        ("Shopify token", join(&["shp", "at_", &hex(32)])),
        ("Shopify token", join(&["shp", "ss_", &hex(32)])),
        ("Linear key", join(&["lin", "_api_", &b62(40)])),
        ("Doppler token", join(&["dp", ".pt.", &b62(43)])),
        ("Doppler token", join(&["dp", ".st.dev_personal.", &b62(43)])),
        ("Twilio API key", join(&["S", "K", &hex(32)])),
        (
            "Twilio auth token",
            join(&["sid: A", "C", &hex(32), "\nauth_token: ", &chance("f0e1d2c3b4a59687", 32)]),
        ),
        ("Twilio auth token", join(&["TWILIO", "_AUTH_TOKEN=", &hex(32)])),
    ]
}

fn models_and_chats() -> Vec<(&'static str, String)> {
    let discord = join(&["MTA5", "NzQw", "MTYz", "MjQx", "MDU3", "NDE2", ".G", &b62(5), ".", &b62(38)]);
    vec![
        ("Anthropic key", join(&["sk", "-ant-api03-", &b62(93), "AA"])),
        ("OpenAI key", join(&["sk", "-", &b62(20), "T3Blb", "kFJ", &b62(20)])),
        ("OpenAI key", join(&["sk", "-proj-", &b62(48)])),
        ("OpenAI key", join(&["sk", "-svcacct-", &b62(74), "T3Blb", "kFJ", &b62(74)])),
        ("OpenAI key", join(&["sk", "-admin-", &b62(58)])),
        ("Hugging Face token", join(&["h", "f_", &chance("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh", 34)])),
        ("Groq key", join(&["gs", "k_", &b62(52)])),
        ("xAI key", join(&["xa", "i-", &b62(80)])),
        ("Slack token", join(&["xox", "b-123456789012-1234567890123-", &b62(24)])),
        ("Slack token", join(&["xap", "p-1-A0", &upper(9), "-1234567890123-", &hex(64)])),
        ("Slack token", join(&["xox", "e-1-", &b62(146)])),
        ("Slack token", join(&["xox", "e.xoxp-1-", &b62(163)])),
        (
            "Slack web hook",
            join(&["https://hooks.sl", "ack.com/services/T0", &upper(9), "/B0", &upper(9), "/", &b62(24)]),
        ),
        (
            "Slack web hook",
            join(&[
                "hooks.sl",
                "ack.com/workflows/T0",
                &upper(9),
                "/A0",
                &upper(9),
                "/123456789012345678/",
                &b62(24),
            ]),
        ),
        ("Telegram bot token", join(&["1234567890", ":A", "A", &b62(33)])),
        ("Discord bot token", discord),
        ("Discord web hook", join(&["https://disc", "ord.com/api/webhooks/123456789012345678/", &b62(68)])),
    ]
}

fn clouds() -> Vec<(&'static str, String)> {
    let signature = join(&[&b62(43), "%3D"]);
    vec![
        ("AWS access key", join(&["AK", "IA", &upper(16)])),
        ("AWS access key", join(&["AS", "IA", &chance("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 16)])),
        ("AWS secret key", join(&["aws_secret_access_key = ", &b62(40)])),
        ("AWS secret key", join(&["\"SecretAccessKey\": \"", &b62(20), "/+", &b62(18), "\""])),
        ("AWS secret key", join(&["aws configure set aws_secret_access_key ", &b62(40)])),
        ("AWS secret key", join(&["<SecretAccessKey>", &b62(40), "</SecretAccessKey>"])),
        ("Google API key", join(&["AI", "za", &b62(35)])),
        ("Google client secret", join(&["GOC", "SPX-", &b62(28)])),
        ("Google access token", join(&["ya", "29.a0", &b62(120)])),
        ("Azure AD client secret", join(&["secret=\"", &b62(3), "8Q", "~", &b62(34), "\""])),
        (
            "Azure storage account key",
            join(&["DefaultEndpointsProtocol=https;Account", "Key=", &b62(86), "=="]),
        ),
        ("Azure storage account key", join(&["AZURE_STORAGE_ACCESS_", "KEY=", &b62(86), "=="])),
        ("Azure shared access key", join(&["SharedAccess", "Key=", &b62(43), "="])),
        (
            "Azure shared access signature",
            join(&["https://a.blob.core.windows.net/b?sv=2022-11-02&sr=b&sig=", &signature]),
        ),
        ("Azure shared access signature", join(&["?sig=", &signature, "&se=2030-01-01"])),
        ("DigitalOcean token", join(&["dop", "_v1_", &hex(64)])),
        ("DigitalOcean token", join(&["doo", "_v1_", &hex(64)])),
        ("DigitalOcean token", join(&["dor", "_v1_", &hex(64)])),
        ("Vault token", join(&["hv", "s.", &b62(95)])),
        ("Vault token", join(&["hv", "s.", &b62(24)])),
        ("Vault token", join(&["hv", "b.", &b62(150)])),
    ]
}

fn keys_and_addresses() -> Vec<(&'static str, String)> {
    let claims = join(&["ey", "J", &b62(33), ".ey", "J", &b62(60), ".", &b62(43)]);
    let key = |label: &str, end: &str| {
        let body = b62(64);
        ["-----BEGIN ", label, "-----", end, &body, end, "-----END ", label, "-----"].concat()
    };
    vec![
        ("JSON web token", claims),
        ("age secret key", join(&["AGE-SECRET", "-KEY-1", &chance("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)])),
        (
            "PuTTY private key",
            join(&["PuTTY-User-Key-File-3: ssh-rsa\nPrivate-", "Lines: 8\n", &b62(64), "\n"]),
        ),
        ("private key", key("RSA PRIVATE KEY", "\n")),
        ("private key", key("OPENSSH PRIVATE KEY", "\r\n")),
        ("private key", key("PRIVATE KEY", "\\n")),
        ("private key", key("PGP PRIVATE KEY BLOCK", "\n\n")),
        (
            "private key",
            join(&[
                "-----BEGIN RSA PRIV",
                "ATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
                &b62(64),
            ]),
        ),
        ("database URL with a password", join(&["postgres", "://app:", &b62(12), "@db.internal:5432/shop"])),
        (
            "database URL with a password",
            join(&["jdbc:postgresql", "://db.internal/shop?user=app&password=", &b62(12)]),
        ),
        ("database URL with a password", join(&["mysql", "://root:", &b62(12), "@10.0.0.7/shop"])),
        (
            "database URL with a password",
            join(&["mongodb+srv", "://app:", &b62(12), "@cluster0.abc.mongodb.net"]),
        ),
        ("database URL with a password", join(&["redis", "://:", &b62(20), "@cache.internal:6379/0"])),
        ("database URL with a password", join(&["amqps", "://app:", &b62(12), "@mq.internal/vhost"])),
        (
            "database URL with a password",
            join(&["postgresql+asyncpg", "://app:Kq7%40vWz9!@db.example.com/shop"]),
        ),
    ]
}

/// Returns texts that hold no secret, however much they look like one.
fn look_alikes() -> Vec<String> {
    let key =
        |label: &str| ["-----BEGIN ", label, "-----\n", &b62(64), "\n-----END ", label, "-----"].concat();
    let mut all = vec![
        join(&["gh", "p_", &"x".repeat(36)]),
        join(&["gh", "p_", &b62(20)]),
        join(&["my_gh", "p_", &b62(36)]),
        join(&["AKIA", "IOSFODNN7EXAMPLE"]),
        join(&["aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE", "KEY"]),
        join(&["aws_secret_access_key = ", &hex(40)]),
        "aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}".to_owned(),
        join(&["npm", "_", &b62(60)]),
        "npm_config_registry_and_other_settings_of_it".to_owned(),
        join(&["task-proj-", &b62(50)]),
        join(&["sk", "-", &"abcdefgh-".repeat(6)]),
        join(&["-----BEGIN PRIV", "ATE KEY-----"]),
        join(&["if text.contains(\"-----BEGIN RSA PRIV", "ATE KEY-----\") { return Err(Kind::NotAKey) }"]),
        key("PUBLIC KEY"),
        key("CERTIFICATE"),
        join(&["https://hooks.sl", "ack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"]),
        join(&["pypi", "-AgEIcHlwaS5vcmc"]),
        join(&["S", "K", &hex(40)]),
        join(&["A", "C", &hex(32)]),
        join(&["dop", "_v1_", &hex(40)]),
        join(&["ey", "J", &b62(33), ".", &b62(60)]),
        join(&["123456:A", "A", &b62(20)]),
        join(&["SG", ".", &b62(5), ".", &b62(5)]),
        join(&["precio", &b62(40)]),
        "hf_hub_download_and_some_other_names_of_functions".to_owned(),
    ];
    all.extend(
        [
            "postgres://user:password@localhost:5432/db",
            "postgres://user:password@db.example.com/db",
            "postgres://app:${DB_PASSWORD}@db.internal/shop",
            "postgres://app:$DB_PASSWORD@db.internal/shop",
            "postgres://app:{{ password }}@db.internal/shop",
            "postgres://app:<password>@db.internal/shop",
            "postgres://app:%s@db.internal/shop",
            "postgres://app:your_password_here@db.internal/shop",
            "postgres://app:Kq7vWz9mNx@localhost/test",
            "mongodb://root:example@mongo:27017",
            "amqp://guest:guest@rabbitmq:5672",
            "redis://localhost:6379/0",
            "postgres://db.internal/shop",
            "jdbc:postgresql://db.internal/shop?user=app&password=secret",
            "sqlserver://sa:my%7Bpass@somehost",
        ]
        .map(str::to_owned),
    );
    all
}

#[test]
fn every_kind_is_found_with_its_line_wherever_it_stands() {
    for (kind, secret) in secrets() {
        for (before, after) in
            [("first\nVALUE=\"", "\"\n"), ("x\n", ""), ("# see\n- ", ", the next\n"), ("\n<a>", "</a>")]
        {
            // The value of a setting goes to the end of its line or to its quote.
            if kind == "Azure AD client secret" && !before.contains('"') {
                continue;
            }
            let text = [before, &secret, after].concat();
            let found = found(text.as_bytes());
            let lines_after = secret.matches('\n').count();
            assert_eq!(found.len(), 1, "{kind}: {text} {found:?}");
            assert_eq!(found[0].kind, kind, "{text}");
            assert!((2..=2 + lines_after).contains(&found[0].line), "{kind}: line {}", found[0].line);
        }
    }
}

#[test]
fn a_token_is_found_behind_what_other_languages_write_for_a_character() {
    let token = join(&["gh", "p_", &b62(36)]);
    for before in ["first\\n", "a%3D", "\\u0022", "\\x22", "\\t", "=", "://", "token:"] {
        let found = found([before, &token, "&b"].concat().as_bytes());
        assert_eq!((found.len(), found[0].text.as_slice()), (1, token.as_bytes()), "{before}");
    }
}

#[test]
fn look_alikes_and_placeholders_are_not_found() {
    for text in look_alikes() {
        assert!(kinds(&text).is_empty(), "{text}: {:?}", kinds(&text));
    }
}

#[test]
fn a_name_beside_the_value_makes_a_secret_except_in_files_that_people_do_not_write() {
    let text = join(&["netlify", "_token = \"", &b62(42), "\""]);
    assert_eq!(kinds(&text), ["Netlify access token"]);
    assert!(found_in("web/package-lock.json", text.as_bytes()).is_empty());
    // An agent chooses the name of the file that it commits.
    let token = join(&["gh", "p_", &b62(36)]);
    assert_eq!(found_in("web/package-lock.json", token.as_bytes()).len(), 1);
    assert_eq!(found_in("logo.png", token.as_bytes()).len(), 1);
}

#[test]
fn any_bytes_can_be_read() {
    let token = join(&["gh", "s_", &b62(40)]);
    let text = [&[0xff, 0xfe, b'-', b'A', 0][..], token.as_bytes()].concat();
    assert_eq!(found(&text).len(), 1);
    assert!(found(b"").is_empty() && found(b"-----BEGIN ").is_empty() && found(&[0; 100]).is_empty());
}

#[test]
fn utf_16_is_read_in_both_orders_with_and_without_its_mark() {
    let token = join(&["gh", "p_", &b62(36)]);
    let text = format!("erste Zeile \u{4e41}\nzweite Zeile\nTOKEN={token}\n");
    for encode in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        for mark in ["", "\u{feff}"] {
            let bytes: Vec<u8> = mark.encode_utf16().chain(text.encode_utf16()).flat_map(encode).collect();
            let found = found(&bytes);
            assert_eq!((found.len(), found[0].line), (1, 3), "{mark:?}");
            assert_eq!(found[0].text, token.as_bytes());
        }
    }
}

/// A text of `length` bytes that is made as it is read.
fn long(length: u64) -> impl Read {
    struct Repeated(usize);
    impl Read for Repeated {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            const LINE: &[u8] = b"a line of text without anything in it, sixty-four characters...\n";
            for byte in buffer.iter_mut() {
                *byte = LINE[self.0 % LINE.len()];
                self.0 += 1;
            }
            Ok(buffer.len())
        }
    }
    Repeated(0).take(length)
}

#[test]
fn a_secret_is_found_once_wherever_the_windows_meet() {
    let token = ["\n", &join(&["gh", "p_", &b62(36)]), "\n"].concat();
    // The first window reports up to this place, and the second one from it.
    let edge = 224 << 10;
    for place in [edge - 41, edge - 40, edge - 20, edge - 1, edge, edge + 1, (256 << 10) - 20, 256 << 10] {
        let text = long(place - 1).chain(token.as_bytes()).chain(long(80 << 10));
        let found = search(text, b"notes.txt", &mut Work(WORK)).unwrap();
        assert_eq!(found.len(), 1, "{place}");
        assert_eq!(found[0].line as u64, (place - 1) / 64 + 2);
    }
}

#[test]
fn work_has_a_limit_and_is_never_left_out_silently() {
    let text = long(1 << 20);
    assert!(matches!(search(text, b"a.txt", &mut Work(1 << 19)), Err(super::SearchError::Spent)));
}

#[test]
fn the_data_files_hold_nothing_that_they_find() {
    let files =
        [include_str!("rules/own.json"), include_str!("rules/gitleaks.json"), include_str!("vectors.rs")];
    // Each line alone: a rule's line has the keywords of few rules.
    for line in files.iter().flat_map(|text| text.lines()) {
        assert!(kinds(line).is_empty(), "{line}: {:?}", kinds(line));
    }
}
