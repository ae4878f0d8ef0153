//! The seam between the journal and the file system.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

/// One directory of files. Names and what stands in the files are on the disk only after
/// [`sync`](Self::sync) and [`DiskFile::sync`].
pub trait Disk: Send + Sync {
    /// The names of all files.
    ///
    /// # Errors
    /// Of the operating system; here and below.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a file that was not there.
    ///
    /// # Errors
    /// If it was there, or the operating system refuses.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read and write.
    ///
    /// # Errors
    /// If it is not there, or the operating system refuses.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name.
    ///
    /// # Errors
    /// Of the operating system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Of the operating system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns once all names are on the disk.
    ///
    /// # Errors
    /// Of the operating system.
    fn sync(&self) -> io::Result<()>;
}

/// One open file.
pub trait DiskFile: Send {
    /// Its length.
    ///
    /// # Errors
    /// Of the operating system; here and below.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// If the file ends before.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// Of the operating system.
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns once all that was written is on the disk.
    ///
    /// # Errors
    /// Of the operating system. Then what was written may be lost, and another call proves nothing.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of the file system.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
    /// Only looked at: files are opened to read.
    look: bool,
}

struct RealFile(fs::File);

impl Directory {
    /// The directory at `path`, made (0700) if it is not there.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Each new name is on the disk before what stands below it is relied upon.
        let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
        for path in missing
            .iter()
            .rev()
            .filter(|path| !path.as_os_str().is_empty())
        {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)?;
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            fs::File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
        }
        Ok(Self {
            path: path.to_owned(),
            look: false,
        })
    }

    /// The directory at `path`, to be looked at: nothing in it is made or changed.
    pub fn look(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            look: true,
        }
    }
}

impl Disk for Directory {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>()?;
        Ok(names
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut options = fs::OpenOptions::new();
        let options = options.read(true).write(true).create_new(true).mode(0o600);
        Ok(Box::new(RealFile(options.open(self.path.join(name))?)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(!self.look)
            .open(self.path.join(name))?;
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.path)?.sync_all()
    }
}

impl DiskFile for RealFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync: with the length of a file that grew, without its times.
        self.0.sync_data()
    }
}
