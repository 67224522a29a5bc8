//! Canonical JSON: keys sorted by their UTF-8 bytes at every depth, no white space; numbers and strings as serde_json
//! writes them.
//!
//! Objects are written in the order their fields come, and put in order when they end. Making a `serde_json::Value` of a
//! report of some hundred packages first, which sorts by itself, took four times as long, most of it for allocating
//! each string once more.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Error, Value};

/// The canonical JSON of `value`.
///
/// # Errors
/// The value does not serialize, or has a map whose keys are no strings.
pub(crate) fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Out::default();
    value.serialize(&mut out)?;
    Ok(out.bytes)
}

#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    /// Where the fields of an object are put while they change places.
    aside: Vec<u8>,
}

impl Out {
    /// What has the same form in any JSON.
    fn plain<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        serde_json::to_writer(&mut self.bytes, value)
    }

    fn object(&mut self) -> Object<'_> {
        self.bytes.push(b'{');
        Object { start: self.bytes.len(), out: self, fields: Vec::new(), closes: "}" }
    }

    fn array(&mut self, closes: &'static str) -> Array<'_> {
        self.bytes.push(b'[');
        Array { out: self, empty: true, closes }
    }

    /// `{"<variant>":`, as serde_json tags what a variant holds.
    fn tag(&mut self, variant: &'static str) -> Result<(), Error> {
        self.bytes.push(b'{');
        self.plain(variant)?;
        self.bytes.push(b':');
        Ok(())
    }
}

/// An object that is being written.
struct Object<'a> {
    out: &'a mut Out,
    /// Where its first field begins.
    start: usize,
    fields: Vec<Field>,
    closes: &'static str,
}

struct Field {
    /// The key, as it is compared.
    key: Cow<'static, str>,
    /// Where it ends, value and all; it begins where the one before it ends.
    end: usize,
}

impl Object<'_> {
    fn key(&mut self, key: Cow<'static, str>) -> Result<(), Error> {
        self.out.plain(&*key)?;
        self.out.bytes.push(b':');
        self.fields.push(Field { key, end: 0 });
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.out)?;
        if let Some(field) = self.fields.last_mut() {
            field.end = self.out.bytes.len();
        }
        Ok(())
    }

    /// Puts the fields in order, with commas between them.
    fn close(self) {
        let Self { out, start, fields, closes } = self;
        let Out { bytes, aside } = out;
        aside.clear();
        aside.extend_from_slice(bytes.get(start..).unwrap_or_default());
        bytes.truncate(start);
        let mut begin = 0;
        let mut places: Vec<(&str, &[u8])> = Vec::with_capacity(fields.len());
        for field in &fields {
            let end = field.end.saturating_sub(start);
            places.push((&*field.key, aside.get(begin..end).unwrap_or_default()));
            begin = end;
        }
        places.sort_by_key(|(key, _)| *key);
        for (at, (_, field)) in places.into_iter().enumerate() {
            if at > 0 {
                bytes.push(b',');
            }
            bytes.extend_from_slice(field);
        }
        bytes.extend_from_slice(closes.as_bytes());
    }
}

/// An array that is being written.
struct Array<'a> {
    out: &'a mut Out,
    empty: bool,
    closes: &'static str,
}

impl Array<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if !std::mem::take(&mut self.empty) {
            self.out.bytes.push(b',');
        }
        value.serialize(&mut *self.out)
    }

    fn close(self) {
        self.out.bytes.extend_from_slice(self.closes.as_bytes());
    }
}

/// Methods that write what serde_json writes.
macro_rules! plain {
    ($($method:ident $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.plain(&value)
        })*
    };
}

impl<'a> Serializer for &'a mut Out {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = Array<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    plain! {
        serialize_bool bool,
        serialize_i8 i8,
        serialize_i16 i16,
        serialize_i32 i32,
        serialize_i64 i64,
        serialize_i128 i128,
        serialize_u8 u8,
        serialize_u16 u16,
        serialize_u32 u32,
        serialize_u64 u64,
        serialize_u128 u128,
        serialize_f32 f32,
        serialize_f64 f64,
        serialize_char char,
        serialize_str &str,
        serialize_bytes &[u8],
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.bytes.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.plain(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.tag(variant)?;
        value.serialize(&mut *self)?;
        self.bytes.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>, Error> {
        Ok(self.array("]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Array<'a>, Error> {
        Ok(self.array("]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Array<'a>, Error> {
        Ok(self.array("]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Array<'a>, Error> {
        self.tag(variant)?;
        Ok(self.array("]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Error> {
        Ok(self.object())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, Error> {
        Ok(self.object())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, Error> {
        self.tag(variant)?;
        Ok(Object { closes: "}}", ..self.object() })
    }
}

macro_rules! array {
    ($($trait:ident $method:ident,)*) => {
        $(impl $trait for Array<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        })*
    };
}

array! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! object {
    ($($trait:ident)*) => {
        $(impl $trait for Object<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.key(name.into())?;
                self.value(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        })*
    };
}

object!(SerializeStruct SerializeStructVariant);

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match serde_json::to_value(key)? {
            Value::String(key) => self.key(key.into()),
            _ => Err(Error::custom("a key of a map is no string")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Shape {
        Unit,
        Newtype(u8),
        Tuple(u8, char),
        Struct { z: bool, a: Option<()> },
    }

    #[derive(Serialize)]
    struct Everything {
        shapes: Vec<Shape>,
        numbers: (i64, u64, f64, f64),
        text: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
        map: BTreeMap<String, Value>,
        empty: (Vec<u8>, BTreeMap<String, u8>),
    }

    #[test]
    fn keys_are_sorted_at_every_depth_and_all_else_is_as_serde_json_has_it() {
        let map =
            [("z".to_owned(), json!(1.5)), ("a".to_owned(), json!({"y": [null, true, "x\n"], "B": {}}))];
        let everything = Everything {
            shapes: vec![
                Shape::Unit,
                Shape::Newtype(1),
                Shape::Tuple(2, '"'),
                Shape::Struct { z: true, a: None },
            ],
            numbers: (i64::MIN, u64::MAX, 9.8, 10.0),
            text: "\u{1}\u{fc}/\\",
            absent: None,
            map: map.into(),
            empty: Default::default(),
        };
        // A map of serde_json's sorts by itself.
        let sorted = serde_json::to_string(&serde_json::to_value(&everything).unwrap()).unwrap();
        assert_eq!(String::from_utf8(to_vec(&everything).unwrap()).unwrap(), sorted);
        assert!(sorted.starts_with(
            r#"{"empty":[[],{}],"map":{"a":{"B":{},"y":[null,true,"x\n"]},"z":1.5},"numbers":"#
        ));
    }

    #[test]
    fn a_map_has_keys_that_are_strings() {
        assert!(to_vec(&BTreeMap::from([(Some("a"), 1)])).is_ok());
        assert!(to_vec(&BTreeMap::from([([1, 2], 1)])).is_err());
    }
}
