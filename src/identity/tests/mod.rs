mod keys;
mod session;
mod token;

use crate::base::id::DeviceId;
use crate::identity::Claims;
use crate::identity::DevIssuer;
use crate::identity::Issuer;
use crate::identity::KeySet;
use crate::identity::Level;
use crate::identity::Rules;
use crate::identity::TokenError;
use crate::identity::Verified;
use crate::identity::verify;

const NOW_S: i64 = 1_800_000_000;
const LEARNERS: [u8; 32] = [7; 32];
const DEVICE: DeviceId = DeviceId([9; 16]);

fn dev() -> DevIssuer {
    DevIssuer::new(&[1; 32]).unwrap()
}

fn rules() -> Rules {
    let mut rules = Rules::new(DevIssuer::NAME, DevIssuer::AUDIENCE);
    let level = |number: u8| (number.to_string(), Level::new(number).unwrap());
    rules.levels = (1..=4).map(level).collect();
    rules
}

fn issuer() -> Issuer {
    let keys = KeySet::parse(dev().key_set().as_bytes()).unwrap();
    Issuer::new(rules(), keys).unwrap()
}

fn checked(token: &str) -> Result<Verified<Claims>, TokenError> {
    let issuer = issuer();
    verify(token, |_name| Some(&issuer), &LEARNERS, NOW_S)
}
