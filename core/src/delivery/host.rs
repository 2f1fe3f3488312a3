//! Which hosts are this machine.

use core::net::{Ipv4Addr, Ipv6Addr};

/// Whether a URL's host is surely this machine. Only then may requests go without TLS.
///
/// It is `localhost` or a loopback address. A name that looks like an address (`127.evil.example`) is a name. An IPv6
/// address may have its brackets.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if let Some(bare) = bare {
        return bare.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}
