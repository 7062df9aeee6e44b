//! A disk that fills up.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory of a few hundred kilobytes, mounted on a folder; only root can make one.
pub struct SmallDisk {
    path: PathBuf,
}

/// More than any small disk has.
const FILL_BYTES: usize = 64 << 20;

impl SmallDisk {
    /// Mounts one on a folder that is made for it.
    pub fn mount(path: &Path, bytes: u64) -> SmallDisk {
        std::fs::create_dir_all(path).expect("a folder");
        let size = format!("size={bytes},mode=0777");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "logmill-test"])
            .arg(path)
            .output()
            .expect("mount(8) is installed");
        assert!(
            mount.status.success(),
            "a full disk can't be tested: root may not mount a tmpfs here ({}); run the tests as a user, or give the \
             container CAP_SYS_ADMIN",
            String::from_utf8_lossy(&mount.stderr).trim()
        );
        SmallDisk { path: path.to_owned() }
    }

    /// Fills it, but for so many bytes.
    pub fn fill(&self, left: u64) {
        let ballast = self.path.join("ballast");
        // The write fails, and leaves what fitted.
        let _ = std::fs::write(&ballast, vec![0u8; FILL_BYTES]);
        let size = std::fs::metadata(&ballast).expect("the ballast").len();
        assert!(size < FILL_BYTES as u64, "the disk is larger than the ballast");
        let file = std::fs::File::options().write(true).open(&ballast).expect("the ballast");
        file.set_len(size.saturating_sub(left)).expect("shorter");
    }

    /// Makes room.
    pub fn empty(&self) {
        std::fs::remove_file(self.path.join("ballast")).expect("the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}
