//! Room for bodies: so many bytes are held at once, and no more.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What room is counted in. Bytes.
const STEP: usize = 1 << 10;

/// The room.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    left: Arc<Semaphore>,
}

/// What one body holds of it, until this goes.
#[derive(Debug, Default)]
pub(crate) struct Held {
    permit: Option<OwnedSemaphorePermit>,
}

/// There is no room now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Memory {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { left: Arc::new(Semaphore::new(steps(bytes).min(Semaphore::MAX_PERMITS))) }
    }
}

impl Held {
    /// Holds this many bytes from now on.
    pub(crate) fn set(&mut self, memory: &Memory, bytes: usize) -> Result<(), NoRoom> {
        let (has, wanted) = (self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits), steps(bytes));
        if wanted > has {
            let more = u32::try_from(wanted - has).map_err(|_| NoRoom)?;
            let more = Arc::clone(&memory.left).try_acquire_many_owned(more).map_err(|_| NoRoom)?;
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                None => self.permit = Some(more),
            }
        } else if let Some(permit) = &mut self.permit {
            drop(permit.split(has - wanted));
        }
        Ok(())
    }
}

const fn steps(bytes: usize) -> usize {
    bytes.div_ceil(STEP)
}

#[cfg(test)]
mod tests {
    use super::{Held, Memory, NoRoom};

    #[test]
    fn room_is_given_back() {
        let memory = Memory::new(4096);
        let (mut one, mut other) = (Held::default(), Held::default());
        assert_eq!(one.set(&memory, 3000), Ok(()));
        assert_eq!(other.set(&memory, 2000), Err(NoRoom));
        assert_eq!(one.set(&memory, 2000), Ok(()));
        assert_eq!(other.set(&memory, 2000), Ok(()));
        assert_eq!(one.set(&memory, 2049), Err(NoRoom));
        drop(other);
        assert_eq!(one.set(&memory, 4096), Ok(()));
    }
}
