//! Addresses: <https://www.postgresql.org/docs/current/datatype-net-types.html>.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use orm_core::Error;
use postgres_protocol::types as wire;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin, serde_as_text, take, text_error, whole};

/// `inet`: an address, and how many bits of it name its network.
///
/// ```
/// use orm_postgres::types::Inet;
/// let host: Inet = "192.168.1.5/24".parse().unwrap();
/// assert_eq!((host.addr().to_string().as_str(), host.prefix()), ("192.168.1.5", 24));
/// assert_eq!(Inet::from(std::net::Ipv4Addr::LOCALHOST).to_string(), "127.0.0.1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inet {
    addr: IpAddr,
    prefix: u8,
}

/// `cidr`: a network. The bits behind its prefix are zero.
///
/// ```
/// use orm_postgres::types::Cidr;
/// let network: Cidr = "10.1.0.0/16".parse().unwrap();
/// assert_eq!(network.to_string(), "10.1.0.0/16");
/// assert!("10.1.2.3/16".parse::<Cidr>().is_err(), "bits behind the prefix");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(Inet);

const fn bits(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

impl Inet {
    /// An address within a network of this prefix; `None` if the prefix is longer than the address.
    ///
    /// ```
    /// use std::net::{IpAddr, Ipv4Addr};
    /// use orm_postgres::types::Inet;
    /// let addr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 5));
    /// assert_eq!(Inet::new(addr, 24).map(|inet| inet.to_string()).as_deref(), Some("192.168.1.5/24"));
    /// assert_eq!(Inet::new(addr, 33), None);
    /// ```
    pub fn new(addr: IpAddr, prefix: u8) -> Option<Self> {
        (prefix <= bits(addr)).then_some(Inet { addr, prefix })
    }

    /// The address.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    /// use orm_postgres::types::Inet;
    /// let host: Inet = "192.168.1.5/24".parse()?;
    /// assert_eq!(host.addr(), Ipv4Addr::new(192, 168, 1, 5));
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn addr(self) -> IpAddr {
        self.addr
    }

    /// How many bits name the network: 32 or 128 for a host alone.
    ///
    /// ```
    /// use orm_postgres::types::Inet;
    /// let (host, alone): (Inet, Inet) = ("192.168.1.5/24".parse()?, "::1".parse()?);
    /// assert_eq!((host.prefix(), alone.prefix()), (24, 128));
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn prefix(self) -> u8 {
        self.prefix
    }
}

macro_rules! host {
    ($($addr:ty),+) => {$(
        impl From<$addr> for Inet {
            fn from(addr: $addr) -> Self {
                let addr = IpAddr::from(addr);
                Inet { addr, prefix: bits(addr) }
            }
        }
    )+};
}
host!(IpAddr, std::net::Ipv4Addr, std::net::Ipv6Addr);

impl From<Cidr> for Inet {
    fn from(network: Cidr) -> Self {
        network.0
    }
}

impl Cidr {
    /// A network; `None` if there are bits behind the prefix, or the prefix is longer than the address.
    ///
    /// ```
    /// use std::net::{IpAddr, Ipv4Addr};
    /// use orm_postgres::types::Cidr;
    /// let network = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 0));
    /// assert!(Cidr::new(network, 16).is_some());
    /// assert!(Cidr::new(network, 8).is_none(), "bits behind the prefix");
    /// ```
    pub fn new(addr: IpAddr, prefix: u8) -> Option<Self> {
        let inet = Inet::new(addr, prefix)?;
        let clean = match addr {
            IpAddr::V4(addr) => u32::from(addr).checked_shl(prefix.into()).unwrap_or(0) == 0,
            IpAddr::V6(addr) => u128::from(addr).checked_shl(prefix.into()).unwrap_or(0) == 0,
        };
        clean.then_some(Cidr(inet))
    }

    /// The first address.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    /// use orm_postgres::types::Cidr;
    /// let network: Cidr = "10.1.0.0/16".parse()?;
    /// assert_eq!(network.addr(), Ipv4Addr::new(10, 1, 0, 0));
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn addr(self) -> IpAddr {
        self.0.addr
    }

    /// How many bits name the network.
    ///
    /// ```
    /// use orm_postgres::types::Cidr;
    /// let network: Cidr = "2001:db8::/32".parse()?;
    /// assert_eq!(network.prefix(), 32);
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn prefix(self) -> u8 {
        self.0.prefix
    }
}

impl fmt::Display for Inet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.addr) {
            return self.addr.fmt(f);
        }
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.addr, self.0.prefix)
    }
}

impl FromStr for Inet {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let read = || match text.split_once('/') {
            Some((addr, prefix)) => {
                let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
                Inet::new(addr.parse().ok()?, prefix.parse().ok().filter(|_| digits)?)
            }
            None => Some(text.parse::<IpAddr>().ok()?.into()),
        };
        read().ok_or_else(|| text_error("an address", text))
    }
}

impl FromStr for Cidr {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let Inet { addr, prefix } = text.parse()?;
        Cidr::new(addr, prefix).ok_or_else(|| text_error("a network: there are bits behind its prefix", text))
    }
}

impl PgValue for Inet {
    const TYPE: NativeType = builtin("inet");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        wire::inet_to_sql(self.addr, self.prefix, out);
        Ok(())
    }
    fn read(bytes: &[u8]) -> Result<Self, BoxError> {
        let inet = wire::inet_from_sql(bytes)?;
        Inet::new(inet.addr(), inet.netmask()).ok_or_else(|| "the prefix is longer than the address".into())
    }
}

impl PgValue for Cidr {
    const TYPE: NativeType = builtin("cidr");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        self.0.write(out)
    }
    fn read(bytes: &[u8]) -> Result<Self, BoxError> {
        let Inet { addr, prefix } = Inet::read(bytes)?;
        Cidr::new(addr, prefix).ok_or_else(|| "there are bits behind the prefix".into())
    }
}

/// `macaddr`: a hardware address of six bytes.
///
/// ```
/// use orm_postgres::types::MacAddr;
/// let card: MacAddr = "08:00:2b:01:02:03".parse().unwrap();
/// assert_eq!((card.0[5], card.to_string().as_str()), (3, "08:00:2b:01:02:03"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

/// `macaddr8`: a hardware address of eight bytes.
///
/// ```
/// use orm_postgres::types::MacAddr8;
/// assert_eq!(MacAddr8([8, 0, 43, 1, 2, 3, 4, 5]).to_string(), "08:00:2b:01:02:03:04:05");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr8(pub [u8; 8]);

macro_rules! hardware {
    ($name:ident $ty:literal $len:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (place, byte) in self.0.iter().enumerate() {
                    write!(f, "{}{byte:02x}", if place > 0 { ":" } else { "" })?;
                }
                Ok(())
            }
        }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                let parts: Option<Vec<u8>> = text
                    .split([':', '-'])
                    .map(|part| {
                        // `from_str_radix` takes a sign.
                        let hex = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
                        u8::from_str_radix(part, 16).ok().filter(|_| hex)
                    })
                    .collect();
                let bytes = parts.and_then(|parts| parts.try_into().ok());
                bytes.map($name).ok_or_else(|| text_error("a hardware address", text))
            }
        }
        impl PgValue for $name {
            const TYPE: NativeType = builtin($ty);
            fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
                out.extend_from_slice(&self.0);
                Ok(())
            }
            fn read(mut bytes: &[u8]) -> Result<Self, BoxError> {
                let address = take::<$len>(&mut bytes)?;
                whole(bytes)?;
                Ok($name(address))
            }
        }
    };
}
hardware!(MacAddr "macaddr" 6);
hardware!(MacAddr8 "macaddr8" 8);

crate::pg_value!(Inet, Cidr, MacAddr, MacAddr8);
serde_as_text!(Inet, Cidr, MacAddr, MacAddr8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_no_bits_behind_its_prefix() {
        for good in ["0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "::/0", "2001:db8::/32"] {
            assert_eq!(good.parse::<Cidr>().unwrap().to_string(), good);
        }
        for bad in ["10.0.0.1/8", "10.0.0.0/33", "::1/64", "x", "10.0.0.0/x", "10.0.0.0/+8", ""] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
        assert!(
            "8:00:2b:01:02:03".parse::<MacAddr>().is_err() && "+8:00:2b:01:02:03".parse::<MacAddr>().is_err()
        );
    }
}
