//! The OpenAPI file as a judge: is a request or a reply one that it describes, to the last member?

use serde_json::Map;
use serde_json::Value;

/// `docs/openapi.json`.
pub(crate) struct OpenApi(Value);

impl OpenApi {
    pub(crate) fn read() -> Self {
        Self(serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap())
    }

    /// Panics unless `path` takes `method` with this content.
    pub(crate) fn takes(&self, method: &str, path: &str, content: Option<&Value>) {
        let at = format!("{method} {path}");
        let body = &self.operation(method, path)["requestBody"];
        match content {
            None => assert_ne!(body["required"], true, "{at} needs content"),
            Some(content) => {
                let schema = &body["content"]["application/json"]["schema"];
                self.judge(schema, content, &at).unwrap();
            }
        }
    }

    /// Panics unless `path` may answer so.
    pub(crate) fn answers(&self, method: &str, path: &str, status: u16, content: Option<&Value>) {
        let at = format!("{method} {path}: {status}");
        let listed = &self.operation(method, path)["responses"][status.to_string()];
        let reply = self.followed(listed);
        assert!(reply.is_object(), "{at} is not listed");
        let described = reply["content"].as_object().and_then(|c| c.values().next());
        match (described, content) {
            (None, None) => {}
            (Some(described), Some(content)) => {
                self.judge(&described["schema"], content, &at).unwrap();
            }
            (described, _) => panic!("{at}: content is described: {}", described.is_some()),
        }
    }

    fn operation(&self, method: &str, path: &str) -> &Value {
        let paths = self.0["paths"].as_object().unwrap();
        let path = path.split('?').next().unwrap();
        // What is written out goes before what has a hole.
        let mut fitting: Vec<_> = paths.keys().filter(|t| fits(t, path)).collect();
        fitting.sort_by_key(|template| template.matches('{').count());
        let template = fitting
            .first()
            .unwrap_or_else(|| panic!("{path} is not listed"));
        &paths[*template][method.to_lowercase()]
    }

    fn followed<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(to) => self.0.pointer(to.strip_prefix('#').unwrap()).unwrap(),
            None => schema,
        }
    }

    /// What of JSON Schema the file uses. Members that are not described are wrong: a page of
    /// documentation that leaves one out is of no use.
    fn judge(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = self.followed(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = choices
                .iter()
                .filter(|choice| self.judge(choice, value, at).is_ok());
            let fits = fits.count();
            return (fits == 1)
                .then_some(())
                .ok_or_else(|| format!("{at}: {fits} of oneOf: {value}"));
        }
        let wrong = |what: &str| Err(format!("{at}: {what}: {value}"));
        let kind = &schema["type"];
        let several = kind.as_array().into_iter().flatten();
        let kinds = several.chain([kind]).filter_map(Value::as_str);
        let kinds: Vec<_> = kinds.collect();
        if !kinds.is_empty() && !kinds.iter().any(|kind| is_kind(kind, value)) {
            return wrong("of another type");
        }
        if let Some(all) = schema["enum"].as_array()
            && !all.contains(value)
        {
            return wrong("not one of the enum");
        }
        let number = value.as_f64();
        let bound = |name: &str| schema[name].as_f64().zip(number);
        if bound("minimum").is_some_and(|(min, n)| n < min)
            || bound("maximum").is_some_and(|(max, n)| n > max)
        {
            return wrong("out of bounds");
        }
        if let Some(members) = value.as_object() {
            return self.members(schema, members, at);
        }
        for (n, item) in value.as_array().into_iter().flatten().enumerate() {
            self.judge(&schema["items"], item, &format!("{at}[{n}]"))?;
        }
        Ok(())
    }

    fn members(
        &self,
        schema: &Value,
        members: &Map<String, Value>,
        at: &str,
    ) -> Result<(), String> {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !members.contains_key(name.as_str().unwrap()) {
                return Err(format!("{at}: without {name}"));
            }
        }
        for (name, value) in members {
            let at = format!("{at}.{name}");
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Object(_)) => {
                    self.judge(&schema["additionalProperties"], value, &at)?;
                }
                (Value::Null, _) => return Err(format!("{at} is not described")),
                (described, _) => self.judge(described, value, &at)?,
            }
        }
        Ok(())
    }
}

fn is_kind(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("openapi.json has the type {other}"),
    }
}

/// Whether a path is one of the template's.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if is_filled(wanted, given) => {}
            _ => return false,
        }
    }
}

/// Whether a segment is `{hole}`, `{hole}.json` or the like, filled.
fn is_filled(wanted: &str, given: &str) -> bool {
    let Some((before, rest)) = wanted.split_once('{') else {
        return wanted == given;
    };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    given.starts_with(before) && given.ends_with(after)
}
