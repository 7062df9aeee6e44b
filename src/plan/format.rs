//! `[source] format` and `fields`, resolved.

use crate::error::Diagnostic;
use crate::format::{CsvOptions, FieldDef, Format, FormatError, FormatSpec};
use crate::job::{At, CsvSpec, FormatChoice, JobFile, Locate};

use crate::data::DataType;

/// The format that a job asks for.
pub fn format_spec(job: &JobFile) -> Result<FormatSpec, Diagnostic> {
    Ok(match &job.spec.source.format.value {
        FormatChoice::Name(name) => FormatSpec::Name(name.clone()),
        FormatChoice::Nginx(pattern) => FormatSpec::Nginx(pattern.value.clone()),
        FormatChoice::Apache(pattern) => FormatSpec::Apache(pattern.value.clone()),
        FormatChoice::Regex(pattern) => FormatSpec::Regex(pattern.value.clone()),
        FormatChoice::Csv(csv) => FormatSpec::Csv(csv_options(job, csv, b',', Some(b'"'))?),
        FormatChoice::Tsv(csv) => FormatSpec::Tsv(csv_options(job, csv, b'\t', None)?),
    })
}

/// Whether the names of the columns stand in the first line of each file.
pub fn columns_stand_in_files(job: &JobFile) -> bool {
    match &job.spec.source.format.value {
        FormatChoice::Name(name) => name == "csv" || name == "tsv",
        FormatChoice::Csv(csv) | FormatChoice::Tsv(csv) => csv.columns.is_empty(),
        FormatChoice::Nginx(_) | FormatChoice::Apache(_) | FormatChoice::Regex(_) => false,
    }
}

fn csv_options(
    job: &JobFile,
    csv: &CsvSpec,
    delimiter: u8,
    quote: Option<u8>,
) -> Result<CsvOptions, Diagnostic> {
    let quote = match &csv.quote {
        Some(at) if at.value.is_empty() => None,
        Some(at) => Some(one_byte(job, at, "quote")?),
        None => quote,
    };
    Ok(CsvOptions {
        delimiter: csv
            .delimiter
            .as_ref()
            .map_or(Ok(delimiter), |at| one_byte(job, at, "delimiter"))?,
        header: csv.header.unwrap_or(csv.columns.is_empty()),
        columns: csv.columns.clone(),
        quote,
        multiline: csv.multiline.unwrap_or(false),
    })
}

fn one_byte(job: &JobFile, at: &At<String>, what: &str) -> Result<u8, Diagnostic> {
    match at.value.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err(job.at_span(&at.span, format!("a {what} is one ASCII character"))),
    }
}

/// Points a format's own error into the job file.
pub(super) fn format_error(job: &JobFile, error: FormatError) -> Diagnostic {
    let format = &job.spec.source.format;
    let pattern = match &format.value {
        FormatChoice::Nginx(at) | FormatChoice::Apache(at) | FormatChoice::Regex(at) => Some(at),
        _ => None,
    };
    let found = match (pattern, &error.span) {
        (Some(at), Some(span)) => job.inside(at, span, error.message),
        (Some(at), None) => job.at_span(&at.span, error.message),
        (None, _) => job.at_span(&format.span, error.message),
    };
    match error.help {
        Some(help) => found.help(help),
        None => found,
    }
}

/// The format's fields with the job's own types over them.
pub(super) fn typed_fields(
    job: &JobFile,
    format: &dyn Format,
) -> Result<Vec<FieldDef>, Diagnostic> {
    let mut fields = format.fields().to_vec();
    for (name, ty) in &job.spec.source.fields.0 {
        let parsed = DataType::parse(&ty.value).ok_or_else(|| {
            job.at_span(&ty.span, format!("`{}` is no type", ty.value)).help(
                "types: int, decimal(s) with s digits after the point, float, text, bool, timestamp, ip",
            )
        })?;
        match fields.iter_mut().find(|f| f.name == name.value) {
            Some(field) => field.ty = parsed,
            None if format.open_ended() => {
                fields.push(FieldDef { name: name.value.clone(), ty: parsed })
            }
            None => {
                let known: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
                let found =
                    job.at_span(&name.span, format!("the format has no field `{}`", name.value));
                return Err(match crate::error::nearest(&name.value, known.iter().copied()) {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.help(format!("its fields: {}", known.join(", "))),
                });
            }
        }
    }
    Ok(fields)
}
