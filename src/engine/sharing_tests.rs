//! What is computed once for several: measures of one job, and `let`s of several jobs, that differ in one thing only must
//! each have what they have alone.

use std::path::Path;

use super::common::Common;
use super::map_tests::{Mapped, map, map_all, one, tokenizer_with};
use super::state;
use crate::expr::tests::pairs::{FAMILIES, MEASURES};
use crate::plan::{Overrides, Plan, compile};

/// The rows of the families, as a log.
const LOG: &str = "status,path,request_time,remote_addr,at,http.host,ratio
200,/a/Bc-1,12.345,10.1.2.3,2026-11-22T07:08:09.5Z,Example.com,2.5
404,/b,1.500,10.1.9.9,2026-10-13T07:08:09.5Z,a,-2.5
500,a%_b,0.000,2001:db8::1,2026-11-23T00:08:09.5Z,b,0.75
,,,,,,
-7, ä ,-2.755,9.9.9.9,2026-11-19T07:07:08.5Z,,123.456
3,/a?q=%41+1&r=\\t2,99.999,10.200.0.1,2027-12-27T07:08:09.5Z,ä,9.5
";

fn job(lets: &[(String, &str)], measures: &[(String, String)]) -> Plan {
    let list = |pairs: &mut dyn Iterator<Item = (&str, &str)>| {
        pairs.map(|(name, text)| format!("{name} = '''{text}'''\n")).collect::<String>()
    };
    let lets = list(&mut lets.iter().map(|(name, text)| (name.as_str(), *text)));
    let measures = list(&mut measures.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let text = format!(
        "name = \"sharing\"\n[source]\npaths = [\"x\"]\nformat = {{ csv = {{ }} }}\n\
         fields = {{ status = \"int\", request_time = \"decimal(3)\", remote_addr = \"ip\", at = \"timestamp\", ratio = \"float\" }}\n\
         [map.let]\n{lets}[reduce]\n[reduce.measures]\n{measures}[output.summary]\npath = \"out\"\n"
    );
    let file = crate::job::parse(Path::new("sharing.toml"), text, &|_| None).expect("a good job");
    let plan = compile(&file, &Overrides::default(), Some(LOG.as_bytes()));
    plan.unwrap_or_else(|error| panic!("{}", error.message))
}

/// The states of each measure's aggregates.
fn states(plan: &Plan) -> Vec<Vec<Vec<u8>>> {
    let tokenizer = tokenizer_with(plan, LOG.as_bytes());
    states_of(plan, &map(plan, &*tokenizer, None, one(LOG.as_bytes())))
}

fn states_of(plan: &Plan, mapped: &Mapped) -> Vec<Vec<Vec<u8>>> {
    assert_eq!((mapped.counters.mapped, mapped.reasons()), (6, Vec::new()));
    let [(_, group)] = mapped.groups.as_slice() else { panic!("one group") };
    let mut rest = group.as_slice();
    let calls: Vec<Vec<u8>> =
        std::iter::from_fn(|| state::next(&mut rest).map(<[u8]>::to_vec)).collect();
    let measures = plan.reduce.iter().flat_map(|reduce| &reduce.measures);
    measures.map(|m| m.inputs.iter().map(|&call| calls[call].clone()).collect()).collect()
}

#[test]
fn measures_that_differ_in_one_thing_are_each_what_they_are_alone() {
    let of_expr = |text: &&str| [format!("min({text})"), format!("count(DISTINCT {text})")];
    let of_exprs = FAMILIES.iter().copied().flatten().flat_map(of_expr);
    let all = of_exprs.chain(MEASURES.iter().copied().flatten().map(|text| (*text).to_owned()));
    let named: Vec<(String, String)> =
        all.enumerate().map(|(n, text)| (format!("m{n}"), text)).collect();
    let together = states(&job(&[], &named));
    assert_eq!(together.len(), named.len());
    for (measure, together) in named.into_iter().zip(together) {
        let alone = states(&job(&[], std::slice::from_ref(&measure)));
        assert_eq!(together, alone[0], "{}", measure.1);
    }
}

#[test]
fn lets_of_several_jobs_that_differ_in_one_thing_are_each_what_they_are_alone() {
    for family in FAMILIES {
        let measures =
            [("m".to_owned(), "min(x)".to_owned()), ("n".to_owned(), "count(y)".to_owned())];
        let plan = |text: &&str| {
            job(&[("x".to_owned(), *text), ("y".to_owned(), "x::text || '.'")], &measures)
        };
        // Each twice, so that there is something to share.
        let plans: Vec<Plan> = family.iter().chain(*family).map(plan).collect();
        let common = Common::new(plans.iter().collect());
        assert!(common.columns().len() >= 2 * family.len(), "{family:?}");
        let wanted = common.wanted();
        let tokenizer = plans[0].format.tokenizer(&wanted, LOG.as_bytes()).expect("its fields");
        let mapped = map_all(&common, &*tokenizer, None, one(LOG.as_bytes()));
        for (plan, mapped) in plans.iter().zip(&mapped) {
            assert_eq!(states_of(plan, mapped), states(plan), "{family:?}");
        }
    }
}
