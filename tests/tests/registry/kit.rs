//! What these tests share beside the harness: requests byte by byte, tokens of any shape, key sets over HTTP. Knows
//! nothing of what is being tested.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use painreg_tests::{Actor, Answer, World};
use serde_json::{Map, Value, json};
use ureq::http::{HeaderMap, HeaderName, HeaderValue};

// ---- answers ----

/// What tests ask of an answer beside its status.
pub trait Judged {
    /// The answer, a problem of this status with exactly this fault.
    fn fault(self, status: u16, pointer: &str, code: &str) -> Self;
    /// The answer to a delivery that is kept in quarantine for exactly this reason.
    fn kept(self, pointer: &str, code: &str) -> Self;
}

impl Judged for Answer {
    #[track_caller]
    fn fault(self, status: u16, pointer: &str, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())], "{}", answer.text());
        answer
    }

    #[track_caller]
    fn kept(self, pointer: &str, code: &str) -> Self {
        let answer = self.expect(202);
        let reasons: Vec<_> = answer.body["reasons"].as_array().into_iter().flatten().collect();
        let told: Vec<_> = reasons.iter().map(|reason| (&reason["pointer"], &reason["code"])).collect();
        assert_eq!(told, [(&json!(pointer), &json!(code))], "{}", answer.text());
        answer
    }
}

/// Everything of a list, page by page along the `Link` header.
pub fn pages(actor: &Actor<'_>, first: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(target) = next {
        let answer = actor.get(&target).expect(200);
        let link = answer.headers.get("link").map(|link| {
            let (target, relation) = link.to_str().expect("text").split_once('>').expect("a link in angle brackets");
            assert_eq!(relation, "; rel=\"next\"");
            target.trim_start_matches('<').to_owned()
        });
        let cursor = answer.body.get("next_cursor").and_then(Value::as_str);
        assert_eq!(link.is_some(), cursor.is_some(), "{target}: the header and the body agree");
        if let (Some(link), Some(cursor)) = (&link, cursor) {
            assert!(link.ends_with(&format!("cursor={cursor}")), "{link}");
        }
        pages.push(answer.items().to_vec());
        assert!(pages.len() < 100, "the list does not end");
        next = link;
    }
    pages
}

// ---- raw HTTP ----

/// How long an ordinary answer may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Sends pieces of bytes, reads until the other side closes or is silent for `patience`, and cuts what came into
/// answers.
pub fn exchange(address: SocketAddr, pieces: &[&[u8]], patience: Duration) -> Vec<Answer> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(patience)).expect("a timeout can be set");
    for piece in pieces {
        // The server may have refused and closed already: what it said is still to be read.
        if stream.write_all(piece).and_then(|()| stream.flush()).is_err() {
            break;
        }
    }
    answers_from(&mut stream)
}

/// Reads until the other side closes or is silent, and cuts what came into answers.
pub fn answers_from(stream: &mut TcpStream) -> Vec<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
        let closing = |answer: &Answer| answer.header("connection").eq_ignore_ascii_case("close");
        if cut(&bytes).is_some_and(|(answer, rest)| rest.is_empty() && closing(&answer)) {
            break;
        }
    }
    let mut answers = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((answer, after)) = cut(rest) {
        answers.push(answer);
        rest = after;
    }
    answers
}

/// The first whole answer in `bytes`, and what follows it.
fn cut(bytes: &[u8]) -> Option<(Answer, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.append(
            name.trim().parse::<HeaderName>().expect("a header's name"),
            HeaderValue::from_bytes(value.trim().as_bytes()).expect("a header's value"),
        );
    }
    let rest = bytes.get(end + 4..)?;
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (bytes, rest) = if value("transfer-encoding").is_some() {
        unchunk(rest)?
    } else if let Some(length) = value("content-length") {
        let length: usize = length.parse().ok()?;
        (rest.get(..length)?.to_vec(), rest.get(length..)?)
    } else {
        (Vec::new(), rest)
    };
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Some((Answer { status, headers, body, bytes }, rest))
}

fn unchunk(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(bytes.get(..end)?).ok()?, 16).ok()?;
        bytes = bytes.get(end + 2..)?;
        body.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
        if size == 0 {
            return Some((body, bytes));
        }
    }
}

/// One request and its answer, on a connection of its own. The target is sent exactly as given.
pub fn call(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
    let mut bytes = head(address, method, target, headers);
    if let Some(body) = body {
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
    }
    let answers = exchange(address, &[&bytes], PATIENCE);
    answers.into_iter().next().unwrap_or_else(|| panic!("no answer to {method} {target}"))
}

/// A request's head, the empty line included.
pub fn head(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The `Authorization` of an actor.
pub fn bearer(actor: &Actor<'_>) -> String {
    format!("Bearer {}", actor.token().unwrap_or_default())
}

// ---- the service ----

/// The service's second.
pub fn now(world: &World) -> i64 {
    world.clock.now().as_second()
}

/// A number as a person's who exists would be: no mark on the month, both check digits of 1964. Made when it is needed,
/// because none may stand in the repository; `day` is 1 to 31, for a D-number 41 to 71.
pub fn real_looking(day: u32) -> String {
    completed(&format!("{day:02}0172"))
}

/// Eleven digits that begin with these six and have both check digits of 1964.
pub fn completed(six: &str) -> String {
    let sum = |digits: &str, weights: &[u32]| {
        let digits = digits.chars().filter_map(|digit| digit.to_digit(10));
        digits.zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>()
    };
    let check = |sum: u32| Some((11 - sum % 11) % 11).filter(|digit| *digit < 10);
    (0..500)
        .find_map(|individual| {
            let nine = format!("{six}{individual:03}");
            let ten = format!("{nine}{}", check(sum(&nine, &[3, 7, 6, 1, 8, 9, 4, 5, 2]))?);
            Some(format!("{ten}{}", check(sum(&ten, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]))?))
        })
        .expect("most individual numbers have check digits")
}

/// Moves the service's clock.
pub fn advance(world: &World, seconds: i64) {
    world.advance(jiff::SignedDuration::from_secs(seconds));
}

/// Adds an issuer to those of a tenant, over the API.
pub fn trust(world: &World, slug: &str, issuer: &Value) {
    let path = format!("/v1/tenants/{slug}");
    let operator = world.operator();
    let before = operator.get(&path).expect(200).body;
    let mut issuers = before["issuers"].as_array().cloned().unwrap_or_default();
    issuers.push(issuer.clone());
    operator.patch(&path, version(&before), &json!({ "issuers": issuers })).expect(200);
}

/// The version of a resource.
pub fn version(resource: &Value) -> i64 {
    resource["version"].as_i64().expect("a version")
}

// ---- tokens of any shape ----

/// A key that signs, and its public half.
pub struct Forger {
    pub kid: String,
    pub algorithm: Algorithm,
    key: EncodingKey,
    public: Value,
}

impl Forger {
    /// A fresh P-256 key.
    pub fn ec(kid: &str) -> Self {
        let fresh =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
        Self::with(kid, Algorithm::ES256, EncodingKey::from_ec_der(fresh.as_ref()))
    }

    /// A fresh RSA key of 2048 bits that signs with `algorithm`.
    pub fn rsa(kid: &str, algorithm: Algorithm) -> Self {
        let fresh = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = fresh.as_der().expect("DER");
        Self::with(kid, algorithm, EncodingKey::from_rsa_der(&pkcs1(der.as_ref())))
    }

    fn with(kid: &str, algorithm: Algorithm, key: EncodingKey) -> Self {
        let jwk = Jwk::from_encoding_key(&key, algorithm).expect("a public half");
        let whole = serde_json::to_value(&jwk).expect("JSON");
        let members = ["kty", "crv", "x", "y", "n", "e"];
        let public = members.iter().filter_map(|name| Some(((*name).to_owned(), whole.get(name)?.clone()))).collect();
        Self { kid: kid.to_owned(), algorithm, key, public: Value::Object(public) }
    }

    /// The public half, nothing but the key.
    pub fn bare(&self) -> Value {
        self.public.clone()
    }

    /// The public half as it stands in a set.
    pub fn jwk(&self) -> Value {
        with(&self.public, &json!({"kid": self.kid, "use": "sig"}))
    }

    /// A compact JWS with exactly this header and these claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_as(self.algorithm, header, claims)
    }

    pub fn sign_as(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, algorithm).expect("it signs");
        format!("{message}.{signature}")
    }

    /// The header of an access token.
    pub fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "kid": self.kid, "typ": "at+jwt"})
    }

    /// An access token.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// RFC 7638.
    pub fn thumbprint(&self) -> String {
        // serde_json keeps members sorted, which is the order RFC 7638 asks for.
        hash(self.public.to_string().as_bytes())
    }
}

/// The RSAPrivateKey inside a PKCS#8 document: what jsonwebtoken signs with.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    // Version, AlgorithmIdentifier rsaEncryption, then an OCTET STRING with a two-byte length.
    let at = pkcs8.windows(4).position(|window| window.starts_with(&[0x05, 0x00, 0x04, 0x82])).expect("PKCS#8 of RSA");
    pkcs8.get(at + 6..).expect("a key").to_vec()
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url (RFC 4648 section 5) without padding.
pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for group in bytes.as_ref().chunks(3) {
        let number =
            group.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..=group.len() {
            text.push(char::from(LETTERS[number >> (18 - 6 * at) & 63]));
        }
    }
    text
}

/// The bytes of a base64url text.
pub fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let value = |letter: &u8| LETTERS.iter().position(|known| known == letter).expect("a letter of base64url");
        let number =
            group.iter().fold(0_usize, |number, letter| number << 6 | value(letter)) << (6 * (4 - group.len()));
        for at in 1..group.len() {
            bytes.push(u8::try_from(number >> (24 - 8 * at) & 255).expect("a byte"));
        }
    }
    bytes
}

/// SHA-256, base64url.
pub fn hash(bytes: &[u8]) -> String {
    encoded(digest::digest(&digest::SHA256, bytes))
}

/// `base` with the members of `more`; null takes a member away.
pub fn with(base: &Value, more: &Value) -> Value {
    let mut whole = base.as_object().cloned().unwrap_or_default();
    for (name, value) in more.as_object().unwrap_or(&Map::new()) {
        if value.is_null() {
            whole.remove(name);
        } else {
            whole.insert(name.clone(), value.clone());
        }
    }
    Value::Object(whole)
}

// ---- a server of key sets ----

/// Serves one answer at `/jwks` and another at `/elsewhere`, and counts who asks.
pub struct KeyServer {
    pub address: SocketAddr,
    state: Arc<Served>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Served {
    answer: Mutex<Vec<u8>>,
    elsewhere: Mutex<Vec<u8>>,
    asked: AtomicUsize,
    asked_elsewhere: AtomicUsize,
    stop: AtomicBool,
}

impl KeyServer {
    pub fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Served::default());
        let of_thread = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).unwrap_or(0);
                let elsewhere = buffer.get(..count).unwrap_or_default().starts_with(b"GET /elsewhere");
                let (answer, counter) = if elsewhere {
                    (&of_thread.elsewhere, &of_thread.asked_elsewhere)
                } else {
                    (&of_thread.answer, &of_thread.asked)
                };
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = answer.lock().expect("a lock").clone();
                let _ = stream.write_all(&answer);
                let _ = stream.shutdown(Shutdown::Write);
            }
        });
        let server = Self { address, state, thread: Some(thread) };
        server.serve(keys);
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}/jwks", self.address)
    }

    /// Serves these keys from now on.
    pub fn serve(&self, keys: &[Value]) {
        self.answer("200 OK", &[], json!({ "keys": keys }).to_string().as_bytes());
    }

    /// Answers like this from now on.
    pub fn answer(&self, status: &str, headers: &[&str], body: &[u8]) {
        *self.state.answer.lock().expect("a lock") = reply(status, headers, body);
    }

    pub fn answer_elsewhere(&self, body: &[u8]) {
        *self.state.elsewhere.lock().expect("a lock") = reply("200 OK", &[], body);
    }

    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    pub fn asked_elsewhere(&self) -> usize {
        self.state.asked_elsewhere.load(Ordering::SeqCst)
    }
}

fn reply(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
