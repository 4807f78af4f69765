//! The function's release program under a local Lambda Runtime API, with moto and the local Customer.io
//! around it.

use stand_ins::credentials::Credentials;
use stand_ins::customerio::CustomerIo;
use stand_ins::proc;
use stand_ins::runtime_api::RuntimeApi;
use stand_ins::secrets_manager::Moto;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// All of it; it ends when dropped.
pub struct Running {
    pub credentials: Credentials,
    pub customerio: CustomerIo,
    pub runtime: RuntimeApi,
    pub function: Child,
    _moto: Moto,
}

impl Running {
    /// Starts it, perhaps with a transform; the function's log goes to `output`.
    pub async fn start(
        binary: &Path,
        transform: Option<&Path>,
        output: Stdio,
    ) -> Result<Self, String> {
        let moto = Moto::start()?;
        let credentials = Credentials::random();
        moto.create("dodo", &credentials.secret()).await?;
        let Credentials { site_id, api_key, .. } = &credentials;
        let text = |error: io::Error| error.to_string();
        let customerio = CustomerIo::start(0, site_id, api_key).await.map_err(text)?;
        let runtime = RuntimeApi::start().await.map_err(text)?;
        let mut environment =
            vec![("SECRET_ID", "dodo".to_owned()), ("CUSTOMERIO_TRACK_URL", customerio.url())];
        let transform = transform.map(|path| ("TRANSFORM_FILE", path.display().to_string()));
        environment.extend(transform);
        environment.extend(moto.environment());
        environment.extend(runtime.environment());
        let function = Command::new(binary)
            .env_clear()
            .envs(environment)
            .stdout(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", binary.display()))?;
        Ok(Self { credentials, customerio, runtime, function, _moto: moto })
    }

    /// The CPU time that the function has used so far.
    pub fn cpu(&self) -> Duration {
        proc::cpu(self.pid())
    }

    /// A field of `/proc/…/status` in kB, of the function and of the process that runs its JavaScript.
    pub fn memory(&self, field: &str) -> String {
        let family = proc::family(self.pid()).into_iter();
        let sizes = family.filter_map(|pid| proc::kilobytes(pid, field));
        sizes.map(|size| size.to_string()).collect::<Vec<_>>().join(" + ")
    }

    fn pid(&self) -> u32 {
        self.function.id().unwrap_or_default()
    }
}
