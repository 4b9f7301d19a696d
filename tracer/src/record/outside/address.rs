//! Addresses of sockets, so that two that mean the same are the same.

/// What a socket is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    /// Of the internet: IPv4 as IPv6 knows it, and the port.
    Internet([u8; 16], u16),
    /// Of this machine: a path, or a name after a NUL byte.
    Local(Vec<u8>),
}

const FAMILY: usize = 2;

impl Address {
    /// Reads what a call hands over or receives; `None` for families that lead to no program.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let family = u16::from_le_bytes(*bytes.first_chunk()?);
        let port = || bytes.get(2..4)?.first_chunk().map(|port| u16::from_be_bytes(*port));
        match i32::from(family) {
            libc::AF_INET => {
                let mut ip = [0; 16];
                ip[10..12].fill(0xff);
                ip[12..].copy_from_slice(bytes.get(4..8)?);
                Some(Self::Internet(ip, port()?))
            }
            libc::AF_INET6 => Some(Self::Internet(*bytes.get(8..24)?.first_chunk()?, port()?)),
            libc::AF_UNIX => {
                let name = bytes.get(FAMILY..)?;
                let end = match name.first() {
                    // A name without a file may hold any byte.
                    Some(0) => name.len(),
                    _ => name.iter().position(|&byte| byte == 0).unwrap_or(name.len()),
                };
                Some(Self::Local(name[..end].to_vec()))
            }
            _ => None,
        }
    }

    /// Whether who connects to this address may come to a socket that has the other one.
    pub(crate) fn leads_to(&self, own: &Self) -> bool {
        match (self, own) {
            (Self::Internet(to, port), Self::Internet(own, own_port)) => {
                port == own_port && (to == own || is_any(own) && is_here(to))
            }
            (Self::Local(to), Self::Local(own)) => !own.is_empty() && to == own,
            _ => false,
        }
    }
}

fn v4(ip: &[u8; 16]) -> Option<&[u8]> {
    (ip[..10] == [0; 10] && ip[10..12] == [0xff; 2]).then_some(&ip[12..])
}

/// Whether it stands for all addresses of a machine.
fn is_any(ip: &[u8; 16]) -> bool {
    ip == &[0; 16] || v4(ip).is_some_and(|ip| ip == [0; 4])
}

/// Whether it leads to this machine by itself.
fn is_here(ip: &[u8; 16]) -> bool {
    let mut loopback = [0; 16];
    loopback[15] = 1;
    is_any(ip) || ip == &loopback || v4(ip).is_some_and(|ip| ip[0] == 127)
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn v4(ip: [u8; 4], port: u16) -> Address {
        let mut bytes = vec![2, 0];
        bytes.extend_from_slice(&port.to_be_bytes());
        bytes.extend_from_slice(&ip);
        bytes.extend_from_slice(&[0; 8]);
        Address::read(&bytes).expect("an address")
    }

    #[test]
    fn who_connects_comes_to_whom() {
        let all = v4([0; 4], 80);
        assert!(v4([127, 0, 0, 1], 80).leads_to(&all));
        assert!(!v4([127, 0, 0, 1], 81).leads_to(&all));
        assert!(!v4([93, 184, 216, 34], 80).leads_to(&all));
        assert!(v4([93, 184, 216, 34], 80).leads_to(&v4([93, 184, 216, 34], 80)));
        let local = |name: &[u8]| Address::read(&[&[1, 0], name].concat()).expect("an address");
        assert!(local(b"/run/s\0").leads_to(&local(b"/run/s")));
        assert!(!local(b"/run/t\0").leads_to(&local(b"/run/s")));
        assert!(!local(b"").leads_to(&local(b"")));
        assert_eq!(Address::read(&[16, 0, 0, 0]), None);
    }
}
