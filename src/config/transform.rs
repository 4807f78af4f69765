//! Reads what decides about the transform.

use super::reader::Reader;
use crate::transform::Transform;
use crate::transform::built_in::{
    Environment, EventNames, EventTypes, ExcludedFields, IdentifyTime, Options, Pattern,
    PersonIdentifier, UnknownFields,
};
#[cfg(feature = "javascript")]
use crate::transform::javascript::Handlers;
use std::fmt::Display;

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn transform(&mut self) -> Transform {
        let options = Options {
            identifier: self.person_identifier(),
            events: self.events(),
            names: self.event_names(),
            unknown_fields: self.unknown_fields(),
            excluded_fields: self.excluded_fields(),
            environment: self.environment(),
            identify_time: self.identify_time(),
            subscription_object_type: self.subscription_object_type(),
        };
        match self.optional("TRANSFORM_FILE") {
            Some(path) => self.handlers(&path, options),
            None => Transform::BuiltIn(options),
        }
    }

    #[cfg(feature = "javascript")]
    fn handlers(&mut self, path: &str, options: Options) -> Transform {
        match Handlers::load(path.as_ref(), options) {
            Ok(handlers) => Transform::JavaScript(Box::new(handlers)),
            Err(problems) => {
                for problem in problems {
                    let () = self.error("TRANSFORM_FILE", problem);
                }
                Transform::BuiltIn(Options::default())
            }
        }
    }

    /// Ignoring it would send the built-in events to somebody who wanted others.
    #[cfg(not(feature = "javascript"))]
    fn handlers(&mut self, _: &str, options: Options) -> Transform {
        let () = self.error(
            "TRANSFORM_FILE",
            "must not be set: this build knows the built-in transform only",
        );
        Transform::BuiltIn(options)
    }

    fn person_identifier(&mut self) -> PersonIdentifier {
        let text = self.optional("PERSON_IDENTIFIER");
        match text.as_deref() {
            None | Some("customer_id") => PersonIdentifier::CustomerId,
            Some("email") => PersonIdentifier::Email,
            Some(text) => match text.strip_prefix("metadata.").map(str::trim) {
                Some(key) if !key.is_empty() => PersonIdentifier::Metadata(key.to_owned()),
                _ => self.error(
                    "PERSON_IDENTIFIER",
                    format!("must be customer_id, email or metadata.<key>, not \"{text}\""),
                ),
            },
        }
    }

    /// A wrong value is reported where it chooses Dodo's host.
    fn environment(&self) -> Environment {
        match self.optional("DODO_ENVIRONMENT") {
            Some(name) if name.eq_ignore_ascii_case("test") => Environment::Test,
            _ => Environment::Live,
        }
    }

    fn identify_time(&mut self) -> IdentifyTime {
        let times = [("event", IdentifyTime::Event), ("arrival", IdentifyTime::Arrival)];
        self.choice("IDENTIFY_TIME", times)
    }

    fn subscription_object_type(&mut self) -> Option<String> {
        const NAME: &str = "SUBSCRIPTION_OBJECT_TYPE";
        let id = self.optional(NAME)?;
        if id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(id);
        }
        self.error(NAME, format!("must be the number of an object type, not \"{id}\""))
    }

    fn events(&mut self) -> EventTypes {
        let types = self.list("EVENTS", EventTypes::parse);
        self.doubt("EVENTS", types.patterns().filter_map(Pattern::doubt));
        types
    }

    fn event_names(&mut self) -> EventNames {
        let names = self.list("EVENT_NAMES", EventNames::parse);
        self.doubt("EVENT_NAMES", names.patterns().filter_map(Pattern::doubt));
        names
    }

    /// A list in which each entry may have a mistake of its own.
    fn list<T: Default, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, Vec<E>>,
    ) -> T {
        let list = self.optional(name).unwrap_or_default();
        parse(&list).unwrap_or_else(|errors| {
            for error in errors {
                let () = self.error(name, format!("has a mistake: {error}"));
            }
            T::default()
        })
    }

    fn unknown_fields(&mut self) -> UnknownFields {
        let uses = [("pass", UnknownFields::Pass), ("drop", UnknownFields::Drop)];
        self.choice("UNKNOWN_FIELDS", uses)
    }

    fn excluded_fields(&mut self) -> ExcludedFields {
        let fields = self.list("EXCLUDE_FIELDS", ExcludedFields::parse);
        self.doubt("EXCLUDE_FIELDS", fields.doubts());
        fields
    }
}
