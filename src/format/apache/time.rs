//! `%t` and `%{...}t`: the pieces of a time, wherever they stand, make one.

use std::ops::Range;

use super::names::END_TIME;
use crate::data::DataType;
use crate::format::pattern::{Joined, Piece, Variable};
use crate::format::{FieldDef, FormatError, TimeLayout};

/// How `%t` looks between its brackets.
const COMMON: &str = "%d/%b/%Y:%H:%M:%S %z";
/// Stands between the pieces of a time that are read together: no log has it.
const BETWEEN: u8 = 0x1f;
/// Conversions that mean several others, as the C locale has them.
const LOCALE: [(&str, &str); 4] =
    [("%c", "%a %b %e %H:%M:%S %Y"), ("%x", "%m/%d/%y"), ("%X", "%H:%M:%S"), ("%r", "%I:%M:%S %p")];

/// A piece of a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::format) struct TimePiece {
    /// Whether it is when the request ended, not when it began.
    is_end: bool,
    part: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `%t`.
    Common,
    /// Conversions of strftime.
    Layout(String),
    /// Since the epoch, with so many digits behind the second.
    Epoch(usize),
    /// So many digits of the second.
    Fraction(usize),
}

/// The piece that a parameter of `%t` stands for, and whether it has brackets around it.
pub(super) fn piece(param: Option<&str>) -> (TimePiece, bool) {
    let param = param.unwrap_or_default();
    let (is_end, format) = match param.split_once(':') {
        _ if param == "begin" => (false, ""),
        _ if param == "end" => (true, ""),
        Some(("begin", format)) => (false, format),
        Some(("end", format)) => (true, format),
        _ => (false, param),
    };
    let part = match format {
        "" => Part::Common,
        "sec" | "%s" => Part::Epoch(0),
        "msec" => Part::Epoch(3),
        "usec" => Part::Epoch(6),
        "msec_frac" => Part::Fraction(3),
        "usec_frac" => Part::Fraction(6),
        format => Part::Layout(expand(format)),
    };
    let bracketed = part == Part::Common;
    (TimePiece { is_end, part }, bracketed)
}

fn expand(format: &str) -> String {
    let (mut out, mut rest) = (String::new(), format);
    while let Some(at) = rest.find('%') {
        out += &rest[..at];
        let end = rest[at + 1..].chars().next().map_or(rest.len(), |c| at + 1 + c.len_utf8());
        let conversion = &rest[at..end];
        let known = LOCALE.iter().find(|(short, _)| *short == conversion);
        out += known.map_or(conversion, |(_, long)| long);
        rest = &rest[end..];
    }
    out + rest
}

/// Puts pieces between which nothing stands together: one can't tell where the first ends, but both can be read at once.
pub(super) fn unite(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut united: Vec<Piece> = Vec::new();
    for piece in pieces {
        if let (Some(Piece::Field(before)), Piece::Field(behind)) = (united.last_mut(), &piece)
            && let (Some(first), Some(second)) = (&before.time, &behind.time)
            && let Some(time) = first.and(second)
        {
            before.time = Some(time);
            before.span.end = behind.span.end;
        } else {
            united.push(piece);
        }
    }
    united
}

impl TimePiece {
    fn and(&self, behind: &TimePiece) -> Option<TimePiece> {
        let part = match (&self.part, &behind.part) {
            (Part::Epoch(0), Part::Fraction(digits)) => Part::Epoch(*digits),
            (Part::Layout(first), Part::Layout(second)) => Part::Layout(format!("{first}{second}")),
            (Part::Layout(layout), Part::Fraction(_)) => Part::Layout(format!("{layout}%f")),
            _ => return None,
        };
        (self.is_end == behind.is_end).then_some(TimePiece { is_end: self.is_end, part })
    }

    /// Whether it has digits only.
    pub(in crate::format) fn is_number(&self) -> bool {
        matches!(self.part, Part::Epoch(_) | Part::Fraction(_))
    }

    /// Whether it is `%t`, without its brackets.
    pub(in crate::format) fn is_common(&self) -> bool {
        self.part == Part::Common
    }

    /// How it looks, where that is not fixed.
    fn layout(&self) -> Option<&str> {
        match &self.part {
            Part::Common => Some(COMMON),
            Part::Layout(layout) => Some(layout),
            Part::Epoch(_) | Part::Fraction(_) => None,
        }
    }
}

/// Names the fields of all times: one a kind (begin, end), of all its pieces.
pub(super) fn name(pieces: &mut [Piece]) -> Result<Vec<Joined>, FormatError> {
    let fields = pieces.iter_mut().filter_map(|piece| match piece {
        Piece::Field(variable) => Some(variable),
        Piece::Literal(_) => None,
    });
    let mut fields: Vec<(usize, &mut Variable)> = fields.enumerate().collect();
    fields.retain(|(_, variable)| variable.time.is_some());
    let (mut ends, mut begins): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .partition(|(_, variable)| variable.time.as_ref().is_some_and(|time| time.is_end));
    let is_time = |(_, variable): &(usize, &mut Variable)| !is_fraction(variable);
    let end_name = if begins.iter().any(is_time) { END_TIME } else { "time_local" };
    let mut joined = Vec::new();
    joined.extend(name_kind(&mut begins, "time_local")?);
    joined.extend(name_kind(&mut ends, end_name)?);
    Ok(joined)
}

fn is_fraction(variable: &Variable) -> bool {
    matches!(variable.time, Some(TimePiece { part: Part::Fraction(_), .. }))
}

/// The same for the pieces of one kind, each with the number of its step.
fn name_kind(
    pieces: &mut [(usize, &mut Variable)],
    name: &str,
) -> Result<Option<Joined>, FormatError> {
    let Some(first) = pieces.iter().position(|(_, variable)| !is_fraction(variable)) else {
        return Ok(None);
    };
    let span = pieces[0].1.span.start..pieces[pieces.len() - 1].1.span.end;
    let parts: Vec<Part> = pieces
        .iter()
        .filter_map(|(_, variable)| Some(variable.time.as_ref()?.part.clone()))
        .collect();
    for (_, variable) in pieces.iter_mut() {
        let layout = variable.time.as_ref().and_then(TimePiece::layout);
        if let Some(layout) = layout.filter(|layout| *layout != COMMON && *layout != "%Z") {
            let checked = TimeLayout::strptime(layout);
            variable.layout = Some(checked.map_err(|error| error.at(variable.span.clone()))?);
        }
        if !is_fraction(variable) {
            // Told by the field of the whole time.
            variable.field = FieldDef { name: String::new(), ty: DataType::Text };
        }
    }
    let chosen = choose(&parts, first).map_err(|error| error.at(span.clone()))?;
    let field = FieldDef { name: name.to_owned(), ty: DataType::Timestamp };
    if let [only] = chosen[..] {
        whole(&parts[only..=only], &span)?;
        pieces[only].1.field = field;
        return Ok(None);
    }
    let is_epoch = matches!(parts[chosen[0]], Part::Epoch(_));
    let taken: Vec<Part> = chosen.iter().map(|&at| parts[at].clone()).collect();
    let (between, layout) = match is_epoch {
        true => (b'.', None),
        false => (BETWEEN, whole(&taken, &span)?),
    };
    let steps = chosen.iter().map(|&at| pieces[at].0).collect();
    Ok(Some(Joined { field, steps, between, layout }))
}

/// The pieces that make the time: all that are needed, the second first where a fraction is added to it.
fn choose(parts: &[Part], first: usize) -> Result<Vec<usize>, FormatError> {
    let finest = |is: fn(&Part) -> Option<usize>| {
        (0..parts.len()).filter(|&at| is(&parts[at]).is_some()).max_by_key(|&at| is(&parts[at]))
    };
    let epoch = finest(|part| if let Part::Epoch(digits) = part { Some(*digits) } else { None });
    let fraction =
        finest(|part| if let Part::Fraction(digits) = part { Some(*digits) } else { None });
    if let Some(epoch) = epoch {
        let is_whole = parts[epoch] != Part::Epoch(0);
        return Ok(std::iter::once(epoch).chain(fraction.filter(|_| !is_whole)).collect());
    }
    if let Some(common) = parts.iter().position(|part| *part == Part::Common) {
        return Ok(std::iter::once(common).chain(fraction).collect());
    }
    let layouts = |at: &usize| matches!(&parts[*at], Part::Layout(_));
    let has_offset = parts.iter().any(|part| matches!(part, Part::Layout(l) if l.contains("%z")));
    // A zone's abbreviation says nothing that the offset does not.
    let needed = |at: &usize| !(has_offset && parts[*at] == Part::Layout("%Z".into()));
    let mut chosen: Vec<usize> = (first..parts.len()).filter(layouts).filter(needed).collect();
    let is_twice = |at: &usize| parts[..*at].contains(&parts[*at]);
    chosen.retain(|at| !is_twice(at));
    chosen.extend(fraction);
    Ok(chosen)
}

/// The layout of pieces one after the other; refused where they don't make a time.
fn whole(parts: &[Part], span: &Range<usize>) -> Result<Option<TimeLayout>, FormatError> {
    let layouts = parts.iter().map(|part| match part {
        Part::Common => COMMON,
        Part::Layout(layout) => layout,
        Part::Epoch(_) => "%s",
        Part::Fraction(_) => "%f",
    });
    let layouts: Vec<&str> = layouts.collect();
    let layout = layouts.join(&char::from(BETWEEN).to_string());
    if layouts.len() > 1 && layout.contains("%s") {
        let message = "seconds since the epoch among other conversions";
        let help = "log %{sec}t or %{usec}t alone, which is the whole time";
        return Err(FormatError::new(message, help).at(span.clone()));
    }
    TimeLayout::whole(&layout).map(Some).map_err(|error| error.at(span.clone()))
}
