//! The ports of a slot.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};
use serde::{Deserialize, Serialize};

use crate::spec::SlotOrder;

/// Highest port.
const PORT_MAX: u32 = 65_535;
/// Addresses at which a port has to be free. On some systems a program can listen at all addresses although
/// another listens at one of them, and the other way round.
const ADDRESSES: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::UNSPECIFIED),
];

/// The ports of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ports {
    /// The first.
    pub(super) first: u32,
    /// Their number.
    pub(super) count: u32,
}

impl Ports {
    /// Returns the ports of a slot; `None` if not all of them exist.
    pub(super) fn for_slot(order: &SlotOrder, slot: u32) -> Option<Self> {
        let count = order.ports_per_slot;
        let first = count.checked_mul(slot)?.checked_add(order.port_base)?;
        let end = first.checked_add(count)?;
        (end <= PORT_MAX + 1).then_some(Self { first, count })
    }

    /// Returns whether some of the ports are among the other ones. Projects may divide the ports differently.
    pub(super) fn overlaps(self, other: Self) -> bool {
        let end = |ports: Self| ports.first.saturating_add(ports.count);
        self.first < end(other) && other.first < end(self)
    }

    /// Returns the first port that is in use; `None` if all are free.
    pub(super) fn busy(self) -> Option<u16> {
        let all = self.first..self.first.saturating_add(self.count);
        all.filter_map(|port| u16::try_from(port).ok()).find(|port| is_busy(*port))
    }
}

/// Returns whether something listens at a port.
fn is_busy(port: u16) -> bool {
    // Any other error (no IPv6, a confinement) says nothing about the port.
    ADDRESSES.iter().any(|address| try_bind(SocketAddr::new(*address, port)) == Err(Errno::ADDRINUSE))
}

/// Binds a socket, as a server would before it listens, and closes it. It does not listen itself: nobody is to
/// connect to it, and a firewall may ask a person about a program that listens.
fn try_bind(address: SocketAddr) -> Result<(), Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::STREAM, None)?;
    // Servers do the same, so that connections which ended a moment ago do not count.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn order(port_base: u32, ports_per_slot: u32) -> SlotOrder {
        SlotOrder { project: "p".to_owned(), port_base, ports_per_slot }
    }

    #[test]
    fn ports_beyond_the_last_one_are_none() {
        let of =
            |base, per_slot, slot| Ports::for_slot(&order(base, per_slot), slot).map(|ports| ports.first);
        assert_eq!(of(20_000, 20, 3), Some(20_060));
        assert_eq!((of(65_516, 20, 0), of(65_517, 20, 0), of(65_516, 20, 1)), (Some(65_516), None, None));
        assert_eq!((of(20_000, u32::MAX, 1), of(u32::MAX, 1, 0), of(1, 1, u32::MAX)), (None, None, None));
    }

    #[test]
    fn ports_of_different_divisions_may_overlap() {
        let ports = |first, count| Ports { first, count };
        assert!(
            ports(20_000, 20).overlaps(ports(20_010, 10)) && ports(20_010, 10).overlaps(ports(20_000, 20))
        );
        assert!(
            !ports(20_000, 20).overlaps(ports(20_020, 20)) && !ports(20_020, 1).overlaps(ports(20_000, 20))
        );
    }

    #[test]
    fn a_port_is_busy_wherever_something_listens() {
        for address in ADDRESSES {
            // A machine without IPv6 has nothing to listen at.
            let Ok(listener) = TcpListener::bind((address, 0)) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert!(is_busy(port), "{address}");
            assert_eq!(Ports { first: u32::from(port), count: 1 }.busy(), Some(port));
        }
    }
}
