//! What is measured.

use crate::build::{self, Cargo};
use crate::world::World;
use stand_ins::package;
use stand_ins::project::project_file;
use std::path::{Path, PathBuf};

/// The JavaScript transform that is measured.
const SCRIPT: &str = "benches/scripts/long.js";

/// One way to do the job.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub name: String,
    pub command: Vec<String>,
    pub folder: PathBuf,
    pub environment: Vec<(String, String)>,
    /// Bytes of the program, unpacked.
    pub size: u64,
    /// Bytes of its zip.
    pub zip: u64,
    /// The same against the services behind TLS.
    pub over_tls: Option<Box<Candidate>>,
}

/// The candidates of a suite; a peer whose tools are missing is left out, with a message.
///
/// # Errors
/// If there is no such suite, or ours does not build.
pub fn suite(name: &str, world: &World) -> Result<Vec<Candidate>, String> {
    match name {
        "peers" => peers(world),
        "profiles" => profiles(world),
        "binaries" => binaries(world),
        _ => Err(format!("There is no suite {name:?}; there are peers, profiles and binaries.")),
    }
}

fn peers(world: &World) -> Result<Vec<Candidate>, String> {
    let echo = echo(world)?;
    let (built_in, without) = (ours(world)?, ours_without_javascript(world)?);
    let script = project_file(SCRIPT).display().to_string();
    let javascript = built_in.clone().with("TRANSFORM_FILE", &script).called("ours, JavaScript");
    let defaults = crate_of_its_own("defaults").and_then(|binary| {
        let bundle = world.authority.bundle.display().to_string();
        let candidate = Candidate::of_binary("Rust, defaults", &binary, world)?;
        Ok(candidate.also_over_tls(world, &[("SSL_CERT_FILE", &bundle)]))
    });
    let mut candidates = vec![echo, without, built_in, javascript];
    for (peer, name) in
        [(defaults, "Rust, defaults"), (node(world), "Node.js"), (python(world), "Python")]
    {
        match peer {
            Ok(candidate) => candidates.push(candidate),
            Err(error) => eprintln!("    {name} is not measured: {error}"),
        }
    }
    Ok(candidates)
}

/// The minimum.
fn echo(world: &World) -> Result<Candidate, String> {
    Candidate::of_binary("echo", &crate_of_its_own("echo")?, world)
}

fn crate_of_its_own(name: &str) -> Result<PathBuf, String> {
    let project = &format!("benches/peers/{name}");
    Cargo { name, project, arguments: &[], environment: &[], target: name }.build()
}

/// As it is deployed, with the built-in transform.
fn ours(world: &World) -> Result<Candidate, String> {
    let build =
        Cargo { name: "ours", project: "", arguments: &[], environment: &[], target: "ours" };
    let ours = Candidate::of_binary("ours, built-in", &build.build()?, world)?;
    let root = world.authority.root_der.display().to_string();
    let trusting = [("RUSTFLAGS", "--cfg bench_root"), ("BENCH_ROOT", &root)];
    let build = Cargo { name: "ours tls", target: "ours-tls", environment: &trusting, ..build };
    let trusting = Candidate::of_binary("ours", &build.build()?, world)?;
    let over_tls = trusting.against(&world.tls);
    Ok(Candidate { over_tls: Some(Box::new(over_tls)), ..ours })
}

fn ours_without_javascript(world: &World) -> Result<Candidate, String> {
    let arguments = &["--no-default-features"];
    let name = "ours without";
    let build = Cargo { name, project: "", arguments, environment: &[], target: "ours" };
    Candidate::of_binary("ours, no JavaScript", &build.build()?, world)
}

fn node(world: &World) -> Result<Candidate, String> {
    let folder = build::node()?;
    let command = ["node", "node_modules/aws-lambda-ric/bin/index.mjs", "index.handler"];
    let root = world.authority.root_pem.display().to_string();
    let candidate = Candidate::of_folder("Node.js", &command, folder, world)?;
    Ok(candidate.also_over_tls(world, &[("NODE_EXTRA_CA_CERTS", &root)]))
}

fn python(world: &World) -> Result<Candidate, String> {
    let folder = build::python()?;
    let python = package::output(
        std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]),
    )?;
    let command = [&python, "-m", "awslambdaric", "handler.handler"];
    let bundle = world.authority.bundle.display().to_string();
    let candidate = Candidate::of_folder("Python", &command, folder, world)?;
    Ok(candidate.also_over_tls(world, &[("AWS_CA_BUNDLE", &bundle)]))
}

/// Other build profiles than the one in `Cargo.toml`, one setting changed at a time.
fn profiles(world: &World) -> Result<Vec<Candidate>, String> {
    const VARIANTS: [(&str, &[&str]); 8] = [
        ("as in Cargo.toml", &[]),
        ("opt-level z", &["profile.release.opt-level=\"z\""]),
        ("opt-level 2", &["profile.release.opt-level=2"]),
        ("opt-level 3", &["profile.release.opt-level=3"]),
        ("lto thin", &["profile.release.lto=\"thin\""]),
        ("lto off", &["profile.release.lto=\"off\""]),
        ("panic abort", &["profile.release.panic=\"abort\""]),
        ("QuickJS opt-level s", &["profile.release.package.rquickjs-sys.opt-level=\"s\""]),
    ];
    let script = project_file(SCRIPT).display().to_string();
    let mut candidates = vec![echo(world)?];
    for (name, settings) in VARIANTS {
        let arguments: Vec<&str> =
            settings.iter().flat_map(|setting| ["--config", setting]).collect();
        let build = Cargo {
            name,
            project: "",
            arguments: &arguments,
            environment: &[],
            target: "profiles",
        };
        let candidate = Candidate::of_binary(name, &build.build()?, world)?;
        let javascript = candidate.clone().with("TRANSFORM_FILE", &script);
        candidates.push(candidate);
        candidates.push(javascript.called(&format!("{name}, JavaScript")));
    }
    Ok(candidates)
}

/// Any builds to compare: `BINARIES`, paths separated by blanks.
fn binaries(world: &World) -> Result<Vec<Candidate>, String> {
    let paths = std::env::var("BINARIES").map_err(|_| "BINARIES must name some")?;
    let candidates =
        paths.split_whitespace().map(|path| Candidate::of_binary(path, path.as_ref(), world));
    [echo(world)].into_iter().chain(candidates).collect()
}

impl Candidate {
    fn of_binary(name: &str, binary: &Path, world: &World) -> Result<Self, String> {
        let command = [binary.to_str().ok_or("a path that is not UTF-8")?];
        let (size, zip) = (package::size(binary)?, package::zipped(binary)?);
        Ok(Self::new(name, &command, project_file(""), world, size, zip))
    }

    fn of_folder(
        name: &str,
        command: &[&str],
        folder: PathBuf,
        world: &World,
    ) -> Result<Self, String> {
        let disk_usage = package::output(std::process::Command::new("du").arg("-sb").arg(&folder))?;
        let size = disk_usage.split_whitespace().next().and_then(|size| size.parse().ok());
        let zip = package::zipped(&folder)?;
        Ok(Self::new(name, command, folder, world, size.ok_or("du is silent")?, zip))
    }

    fn new(
        name: &str,
        command: &[&str],
        folder: PathBuf,
        world: &World,
        size: u64,
        zip: u64,
    ) -> Self {
        let environment = [
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("SECRET_ID", "dodo".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
        ];
        let candidate = Self {
            name: name.to_owned(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            folder,
            environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            size,
            zip,
            over_tls: None,
        };
        candidate.against(&world.plain)
    }

    fn against(self, [secrets, customerio]: &[String; 2]) -> Self {
        self.with("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets)
            .with("CUSTOMERIO_TRACK_URL", customerio)
    }

    /// A later value replaces an earlier one.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self.over_tls = self.over_tls.map(|tls| Box::new(tls.with(name, value)));
        self
    }

    fn called(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    fn also_over_tls(self, world: &World, trust: &[(&str, &str)]) -> Self {
        let secured = self.clone().against(&world.tls);
        let over_tls = trust.iter().fold(secured, |tls, (name, value)| tls.with(name, value));
        Self { over_tls: Some(Box::new(over_tls)), ..self }
    }
}
