//! What of a job decides the meaning of its stored states.

use sha2::{Digest, Sha256};

use crate::job::{JobSpec, Partition};

/// A hash over everything that decides what the stored groups mean: format, fields, time, map, reduce, and the partition by time
/// that the store is cut by. Paths, outputs, limits and the description may change freely.
pub(super) fn fingerprint(spec: &JobSpec, partition: Option<Partition>) -> String {
    let mut parts = vec![format!("{:?}", strip(&spec.source.format.value))];
    let texts = |pairs: &crate::job::Pairs| -> Vec<String> {
        pairs.0.iter().map(|(k, v)| format!("{:?}={:?}", k.value, v.value)).collect()
    };
    parts.extend(texts(&spec.source.fields));
    parts.push(format!("{:?}", spec.source.time.as_ref().map(|at| &at.value)));
    parts.push(format!("{:?}", spec.source.zone.as_ref().map(|at| &at.value)));
    parts.push(format!("{:?}", spec.map.filter.as_ref().map(|at| &at.value)));
    parts.extend(texts(&spec.map.lets));
    if let Some(reduce) = &spec.reduce {
        parts.push(format!("{partition:?}"));
        parts.push(format!("{:?}", reduce.window.as_ref().map(|at| &at.value)));
        parts.extend(reduce.by.iter().map(|at| format!("{:?}", at.value)));
        parts.extend(texts(&reduce.measures));
    }
    let digest = Sha256::digest(parts.join("\u{1f}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The format without places in the file.
fn strip(format: &crate::job::FormatChoice) -> crate::job::FormatChoice {
    use crate::job::{At, FormatChoice as F};
    let bare = |at: &At<String>| At { value: at.value.clone(), span: 0..0 };
    match format {
        F::Name(name) => F::Name(name.clone()),
        F::Nginx(at) => F::Nginx(bare(at)),
        F::Apache(at) => F::Apache(bare(at)),
        F::Regex(at) => F::Regex(bare(at)),
        F::Csv(csv) | F::Tsv(csv) => {
            let mut csv = csv.clone();
            csv.delimiter = csv.delimiter.as_ref().map(bare);
            csv.quote = csv.quote.as_ref().map(bare);
            if matches!(format, F::Csv(_)) { F::Csv(csv) } else { F::Tsv(csv) }
        }
    }
}
