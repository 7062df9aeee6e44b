//! The compilation of a job, step by step.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::columns::Columns;
use super::computed::{Computed, closure};
use super::format::{format_error, format_spec, typed_fields};
use super::names::{EVENT_TIME, Names};
use super::outputs::{EventsOutput, Outputs, Resolver, SqliteOutput, SummaryOutput};
use super::{
    AggregatePlan, KeyPlan, MapPlan, MeasurePlan, Overrides, Plan, ReducePlan, SlotKind, SourcePlan,
};
use crate::data::DataType;
use crate::error::Diagnostic;
use crate::expr::{self, AggregateCall, Expr, ExprError, Identity, Scope, SlotNames};
use crate::format;
use crate::job::{At, EventsSpec, JobFile, Locate, Partition, ReduceSpec, parse_duration};

/// Compiles a job. `head`: the first bytes of a log file, for formats that name their columns there.
pub fn compile(
    job: &JobFile,
    overrides: &Overrides,
    head: Option<&[u8]>,
) -> Result<Plan, Diagnostic> {
    let resolver = Resolver { job, overrides };
    check_name(job)?;
    let limits = super::limits::compile(job, overrides)?;
    let spec = format_spec(job)?;
    let mut format = format::build(&spec, limits.line_bytes_max as usize, head)
        .map_err(|error| format_error(job, error))?;
    let (mut names, known_fields) = scope(job, format.as_ref())?;
    compile_lets(job, &mut names)?;
    let filter = job.spec.map.filter.as_ref();
    let filter = filter
        .map(|at| {
            Expr::compile_typed(&at.value, &mut names, DataType::Bool)
                .map_err(|e| point(job, at, e))
        })
        .transpose()?;
    let reduce =
        job.spec.reduce.as_ref().map(|at| compile_reduce(job, at, &mut names)).transpose()?;
    let outputs = compile_outputs(&resolver, reduce.as_ref(), &mut names)?;
    let map = finish_map(names, filter, reduce.as_ref(), &outputs, known_fields);
    format.expect(&map.fields);
    let notices = job.skipped.iter().map(|(output, variable)| {
        format!("[{output}] is skipped: the variable {variable} is not set")
    });
    let partition = reduce.as_ref().map(|reduce| reduce.partition);
    let meaning = {
        let computed = Computed::of(&map, reduce.as_ref(), outputs.events.as_ref());
        super::meaning::describe(&job.spec, partition, &computed)
    };
    Ok(Plan {
        name: job.spec.name.value.clone(),
        description: job.spec.description.clone(),
        path: job.path.clone(),
        source: compile_source(&resolver, spec, limits.line_bytes_max)?,
        format,
        map,
        reduce,
        outputs,
        limits,
        notices: notices.collect(),
        meaning,
    })
}

/// Points an error of an expression into the job file.
fn point(job: &JobFile, at: &At<String>, error: ExprError) -> Diagnostic {
    let found = job.inside(at, &error.span, error.message);
    match error.help {
        Some(help) => found.help(help),
        None => found,
    }
}

fn check_name(job: &JobFile) -> Result<(), Diagnostic> {
    let name = &job.spec.name;
    let first = name.value.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = name.value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if first && rest && name.value.len() <= 56 {
        return Ok(());
    }
    Err(job
        .at_span(&name.span, format!("`{}` is no job name", name.value))
        .help("a lower-case letter, then lower-case letters, digits or _; at most 56 characters"))
}

fn compile_source(
    resolver: &Resolver<'_>,
    format: format::FormatSpec,
    line_bytes_max: u64,
) -> Result<SourcePlan, Diagnostic> {
    let (job, spec) = (resolver.job, &resolver.job.spec.source);
    if spec.paths.value.is_empty() && resolver.overrides.inputs.is_empty() {
        return Err(job.at_span(&spec.paths.span, "`paths` names no file"));
    }
    let (globs, base) = source_globs(job, resolver.overrides);
    let zone = match &spec.zone {
        None => TimeZone::UTC,
        Some(at) => TimeZone::get(&at.value).map_err(|_| {
            job.at_span(&at.span, format!("`{}` is no time zone", at.value))
                .help("an IANA name, such as \"Europe/Berlin\" or \"UTC\"")
        })?,
    };
    let seal_after = spec.seal_after.as_ref().map(|at| duration(job, at)).transpose()?;
    Ok(SourcePlan { globs, base, seal_after, zone, format, line_bytes_max })
}

/// The globs of a job, and what relative ones are relative to.
pub fn source_globs(job: &JobFile, overrides: &Overrides) -> (Vec<String>, std::path::PathBuf) {
    let paths = &job.spec.source.paths.value;
    match overrides.inputs.as_slice() {
        [] => (
            paths.iter().map(|at| at.value.clone()).collect(),
            Resolver { job, overrides }.job_dir(),
        ),
        inputs => (inputs.to_vec(), ".".into()),
    }
}

/// `seal_after`, if it is a duration.
pub fn seal_after(job: &JobFile) -> Option<std::time::Duration> {
    job.spec.source.seal_after.as_ref().and_then(|at| duration(job, at).ok())
}

fn duration(job: &JobFile, at: &At<String>) -> Result<std::time::Duration, Diagnostic> {
    parse_duration(&at.value).map_err(|error| job.at_span(&at.span, error.what).help(error.help))
}

/// The names of the format, with the job's types and its event time.
fn scope(
    job: &JobFile,
    format: &dyn format::Format,
) -> Result<(Names, Vec<format::FieldDef>), Diagnostic> {
    let mut fields = typed_fields(job, format)?;
    let time = job.spec.source.time.as_ref();
    if let Some(at) = time {
        let given = job.spec.source.fields.0.iter().any(|(name, _)| name.value == at.value);
        match fields.iter_mut().find(|f| f.name == at.value) {
            Some(field) if !given => field.ty = DataType::Timestamp,
            Some(field) if field.ty == DataType::Timestamp => {}
            None if format.open_ended() => {
                let name = at.value.clone();
                fields.push(format::FieldDef { name, ty: DataType::Timestamp });
            }
            Some(field) => {
                let found = job
                    .at_span(&at.span, format!("the event time `{}` is a {}", at.value, field.ty));
                return Err(found.help("give it the type timestamp in `fields`"));
            }
            None => {
                let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
                let found =
                    job.at_span(&at.span, format!("the format has no field `{}`", at.value));
                return Err(found.help(format!("its fields: {}", names.join(", "))));
            }
        }
    }
    let default = format.default_time().map(str::to_owned);
    let time = time.map(|at| at.value.clone()).or(default);
    Ok((Names::new(&fields, format.open_ended(), time), fields))
}

fn compile_lets(job: &JobFile, names: &mut Names) -> Result<(), Diagnostic> {
    for (name, at) in &job.spec.map.lets.0 {
        if names.is_known(&name.value) {
            return Err(job
                .at_span(&name.span, format!("`{}` is the name of a field already", name.value))
                .help("choose another name"));
        }
        let expr = Expr::compile(&at.value, names).map_err(|e| point(job, at, e))?;
        names.bind(&name.value, expr);
    }
    Ok(())
}

fn compile_reduce(
    job: &JobFile,
    spec: &ReduceSpec,
    names: &mut Names,
) -> Result<ReducePlan, Diagnostic> {
    let window_us = match &spec.window {
        None => None,
        Some(at) => {
            let window = duration(job, at)?;
            if names.resolve(EVENT_TIME).is_none() {
                let found =
                    job.at_span(&at.span, "a window needs an event time, and the format has none");
                return Err(found.help("name the field in [source]: time = \"…\""));
            }
            Some(window.as_micros() as i64)
        }
    };
    let keys =
        spec.by.iter().map(|at| compile_key(job, at, names)).collect::<Result<Vec<_>, _>>()?;
    let mut aggregates = Vec::new();
    let mut measures = Vec::new();
    for (name, at) in &spec.measures.0 {
        let measure = expr::compile_measure(&at.value, names).map_err(|e| point(job, at, e))?;
        let slots = |slot: usize| names.slots[slot].identity();
        let calls = measure.aggregates.into_iter().map(|call| Arc::new(aggregate(call, &slots)));
        let calls: Vec<_> = calls.collect();
        let inputs = calls.iter().map(|call| share(&mut aggregates, call)).collect();
        let (name, value) = (name.value.clone(), measure.value);
        measures.push(MeasurePlan { name, value, inputs, calls });
    }
    summary_columns(job, spec, &keys)?;
    if window_us.is_none() && keys.is_empty() && measures.is_empty() {
        return Err(job.at_span(&job.spec.name.span, "[reduce] has neither keys nor measures"));
    }
    if aggregates.iter().any(|a: &Arc<AggregatePlan>| a.function.needs_order()) {
        names.resolve(EVENT_TIME);
    }
    let chosen = job.spec.output.summary.as_ref().and_then(|s| s.value.partition.as_ref());
    let default = if window_us.is_some() { Partition::Day } else { Partition::None };
    let partition = chosen.map_or(default, |at| at.value);
    if let (Some(at), None) = (chosen.filter(|at| at.value != Partition::None), window_us) {
        let found = job.at_span(&at.span, "only a windowed summary can be cut by time");
        return Err(found.help("give [reduce] a window, or use partition = \"none\""));
    }
    Ok(ReducePlan { window_us, keys, aggregates, measures, partition })
}

fn aggregate(call: AggregateCall, slots: SlotNames<'_>) -> AggregatePlan {
    let AggregateCall { function, arg, filter } = call;
    let input = Identity::of_input(arg.as_ref(), filter.as_ref(), slots);
    AggregatePlan { function, arg, filter, input }
}

/// The index of an aggregate call; equal calls are one.
fn share(plans: &mut Vec<Arc<AggregatePlan>>, call: &Arc<AggregatePlan>) -> usize {
    let identity = call.identity();
    if let Some(known) = plans.iter().position(|known| known.identity() == identity) {
        return known;
    }
    plans.push(Arc::clone(call));
    plans.len() - 1
}

fn compile_key(job: &JobFile, at: &At<String>, names: &mut Names) -> Result<KeyPlan, Diagnostic> {
    let key = expr::compile_key(&at.value, names).map_err(|e| point(job, at, e))?;
    Ok(KeyPlan { name: key.name, expr: key.expr })
}

/// The columns behind the window's start, where every output can hold them.
fn summary_columns<'j>(
    job: &'j JobFile,
    spec: &'j ReduceSpec,
    keys: &'j [KeyPlan],
) -> Result<Columns<'j>, Diagnostic> {
    let by = keys.iter().zip(&spec.by).map(|(key, at)| (key.name.as_str(), &at.span));
    let measures = spec.measures.0.iter().map(|(name, _)| (name.value.as_str(), &name.span));
    let columns = Columns::new(job, by.chain(measures).collect())?;
    columns.keep_window_free()?;
    Ok(columns)
}

fn compile_outputs(
    resolver: &Resolver<'_>,
    reduce: Option<&ReducePlan>,
    names: &mut Names,
) -> Result<Outputs, Diagnostic> {
    let (job, spec) = (resolver.job, &resolver.job.spec.output);
    if spec.summary.is_none()
        && spec.events.is_none()
        && spec.sqlite.is_none()
        && spec.mysql.is_none()
    {
        let found = Diagnostic::file(&job.path, "the job has no output");
        return Err(
            found.help("add [output.summary], [output.events], [output.sqlite] or [output.mysql]")
        );
    }
    let tables = [
        spec.summary.as_ref().map(|at| &at.span),
        spec.sqlite.as_ref().map(|at| &at.span),
        spec.mysql.as_ref().map(|at| &at.span),
    ];
    if let (None, Some(span)) = (reduce, tables.into_iter().flatten().next()) {
        let found = job.at_span(span, "this output holds groups, and the job has no [reduce]");
        return Err(found.help("add [reduce], or write the records to [output.events]"));
    }
    let columns = job.spec.reduce.as_ref().zip(reduce);
    let columns =
        columns.map(|(spec, reduce)| summary_columns(job, spec, &reduce.keys)).transpose()?;
    let summary = spec.summary.as_ref().map(|at| {
        let partition = reduce.map_or(Partition::None, |r| r.partition);
        let path = resolver.output(&at.value.path)?;
        if let Some(columns) = &columns {
            columns.differ_from_folders("summary", Path::new(&at.value.path.value), partition)?;
        }
        Ok(SummaryOutput { path, partition })
    });
    if let (Some(columns), true) = (&columns, resolver.has_mysql()) {
        columns.fit_mysql()?;
    }
    if let (Some(columns), true) = (&columns, spec.sqlite.is_some()) {
        columns.fit_sqlite()?;
    }
    let sqlite = spec.sqlite.as_ref().map(|at| {
        let table = resolver.sqlite_table(at.value.table.as_ref())?;
        Ok(SqliteOutput { path: resolver.output(&at.value.path)?, table })
    });
    Ok(Outputs {
        summary: summary.transpose()?,
        sqlite: sqlite.transpose()?,
        mysql: spec.mysql.as_ref().map(|at| resolver.mysql(at)).transpose()?,
        events: spec
            .events
            .as_ref()
            .map(|at| compile_events(resolver, &at.value, names))
            .transpose()?,
    })
}

fn compile_events(
    resolver: &Resolver<'_>,
    spec: &EventsSpec,
    names: &mut Names,
) -> Result<EventsOutput, Diagnostic> {
    let job = resolver.job;
    let mut columns: Vec<KeyPlan> = Vec::new();
    for at in &spec.columns.value {
        columns.push(compile_key(job, at, names)?);
    }
    let named = columns.iter().zip(&spec.columns.value);
    let named = Columns::new(job, named.map(|(c, at)| (c.name.as_str(), &at.span)).collect())?;
    if columns.is_empty() {
        return Err(job.at_span(&spec.columns.span, "`columns` names no column"));
    }
    let time = names.resolve(EVENT_TIME).is_some();
    let partition = match &spec.partition {
        Some(at) if at.value != Partition::None && !time => {
            let found = job.at_span(
                &at.span,
                "a partition by time needs an event time, and the format has none",
            );
            return Err(
                found.help("name the field in [source]: time = \"…\", or use partition = \"none\"")
            );
        }
        Some(at) => at.value,
        None => Partition::None,
    };
    named.differ_from_folders("events", Path::new(&spec.path.value), partition)?;
    Ok(EventsOutput { path: resolver.output(&spec.path)?, partition, columns })
}

/// Sorts the slots into those that the filter needs and those that the rest needs.
fn finish_map(
    names: Names,
    filter: Option<Expr>,
    reduce: Option<&ReducePlan>,
    outputs: &Outputs,
    known_fields: Vec<format::FieldDef>,
) -> MapPlan {
    let Names { mut slots, fields, .. } = names;
    let event_time = needed_time(&slots, reduce, outputs);
    let mut rest: Vec<usize> = event_time.into_iter().collect();
    for key in reduce.into_iter().flat_map(|r| &r.keys) {
        rest.extend(key.expr.slots());
    }
    let measures = reduce.into_iter().flat_map(|r| &r.measures);
    for aggregate in measures.flat_map(|measure| &measure.calls) {
        let parts = aggregate.arg.iter().chain(&aggregate.filter);
        rest.extend(parts.flat_map(|e| e.slots()));
    }
    for column in outputs.events.iter().flat_map(|e| &e.columns) {
        rest.extend(column.expr.slots());
    }
    let filter_slots = closure(&slots, filter.iter().flat_map(|f| f.slots()).collect());
    let mut rest_slots = closure(&slots, rest);
    rest_slots.retain(|slot| !filter_slots.contains(slot));
    let fields = used_fields(&mut slots, &fields, filter_slots.iter().chain(&rest_slots));
    MapPlan { slots, fields, filter, filter_slots, rest_slots, event_time, known_fields }
}

/// The slot of the event time, where windows, partitions or the order of lines need it.
fn needed_time(
    slots: &[super::Slot],
    reduce: Option<&ReducePlan>,
    outputs: &Outputs,
) -> Option<usize> {
    let windowed = reduce.is_some_and(|r| r.window_us.is_some() || r.needs_order());
    let partitioned = outputs.events.as_ref().is_some_and(|e| e.partition != Partition::None);
    let slot = slots.iter().position(|slot| matches!(slot.kind, SlotKind::EventTime(_)));
    slot.filter(|_| windowed || partitioned)
}

/// The raw fields that are really needed; a `let` that nothing uses asks for none. Renumbers the field slots.
fn used_fields<'s>(
    slots: &mut [super::Slot],
    fields: &[String],
    used: impl Iterator<Item = &'s usize>,
) -> Vec<String> {
    let used: Vec<usize> = used.copied().collect();
    let mut kept = Vec::new();
    for (at, slot) in slots.iter_mut().enumerate() {
        let SlotKind::Field(field) = &mut slot.kind else { continue };
        if used.contains(&at) {
            kept.push(fields[*field].clone());
            *field = kept.len() - 1;
        } else {
            // Nobody reads it; it must not be taken for one of those that are read.
            *field = usize::MAX;
        }
    }
    kept
}
