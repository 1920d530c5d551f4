//! Webhook dispatch: the retry schedule, the limit after which a subscription is disabled, and the addresses that may
//! be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The delay after each failed attempt (Standard Webhooks); after the last one the delivery is abandoned.
pub const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// The period of failures only after which a subscription is disabled.
pub const PATIENCE: Duration = Duration::from_hours(5 * 24);
/// For how long both secrets are signed with after a new one was drawn.
pub const ROTATION: Duration = Duration::from_hours(24);

/// Returns the delay after a number of attempts, with jitter of up to a fifth; `None`: no more attempts.
pub fn wait_after(attempts: i32, jitter: u8) -> Option<Duration> {
    let place = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let wait = WAITS.get(place)?;
    Some(*wait + *wait * u32::from(jitter) / (5 * u32::from(u8::MAX)))
}

/// Whether an address is one on the open internet: not of a machine, a house, a hospital or a cloud's inside.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b) {
        (0 | 10 | 127 | 224..=255, _) | (169, 254) | (192, 168) | (198, 18 | 19) => true,
        (100, b) => (64..128).contains(&b),
        (172, b) => (16..32).contains(&b),
        (192, 0) => c == 0 || c == 2,
        (192, 88) => c == 99,
        (198, 51) => c == 100,
        (203, 0) => c == 113,
        _ => false,
    };
    !special
}

/// Global unicast only (`2000::/3`), without embedded IPv4 addresses and documentation ranges.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    (0x2000..0x4000).contains(&a) && a != 0x2002 && a != 0x3fff && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_public_refuses_internal_addresses() {
        let inside = [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "fec0::1",
            "::127.0.0.1",
            "3fff::1",
        ];
        for address in inside {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
        for address in [
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "223.255.0.1",
            "2a00:1450::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn retry_schedule_has_ten_attempts_with_growing_delays() {
        let waits: Vec<Duration> = (1..20).map_while(|attempts| wait_after(attempts, 0)).collect();
        assert_eq!(waits, WAITS);
        assert!(WAITS.is_sorted());
        assert_eq!(wait_after(1, u8::MAX), Some(Duration::from_secs(6)));
        assert_eq!((wait_after(0, 0), wait_after(-1, 0), wait_after(10, 0)), (None, None, None));
    }
}
