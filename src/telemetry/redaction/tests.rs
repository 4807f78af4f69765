use super::*;
use serde_json::json;

/// A payload with personal data in every place that has leaked before, and words of ours among them.
fn payload() -> Value {
    json!({"type": "subscription.cancelled", "data": {
        "payload_type": "Subscription",
        "customer": {
            "customer_id": "cus_1", "name": "Ada Lovelace", "email": "ada.l@example.com",
            "phone_number": "+49 170 1234567", "metadata": {"crm": "K\u{f6}hler-77"},
        },
        "billing": {"street": "12 Rue Cler", "city": "M\u{fc}nchen", "state": "CA", "country": "DE"},
        "custom_field_responses": [{"key": "Shirt", "value": "Magenta XL"}],
        "cancellation_comment": "The property value was too long for Grandma's \"taste\"",
        "cancellation_feedback": "too_expensive",
        "metadata": {"team": "Li Wu", "seats": 4321, "label": "\u{7530}\u{4e2d}\u{592a}\u{90ce}"},
        "loyalty_nickname": "Stra\u{df}enkater",
        "product_id": "pdt_Xyz", "currency": "EUR", "status": "cancelled", "amount": 2900,
        "created_at": "2026-11-20T09:14:58.204113Z",
    }})
}

fn redacted(message: &str) -> String {
    let secrets = ["site-1", "key-1", "c2l0/S0x+a2V5"].map(str::to_owned);
    Redactor::new(&payload(), secrets).redact(message)
}

fn assert_redacted(cases: &[(&str, &str)]) {
    for (message, expected) in cases {
        assert_eq!(redacted(message), *expected, "{message}");
    }
}

fn assert_unchanged(messages: &[&str]) {
    for message in messages {
        assert_eq!(redacted(message), *message);
    }
}

#[test]
fn a_part_of_a_name_is_redacted() {
    assert_redacted(&[
        ("Ada Lovelace is too long", "[redacted] is too long"),
        ("Ada is too long", "[redacted] is too long"),
        ("no Lovelace, no", "no [redacted], no"),
        ("first_Ada_x", "first_[redacted]_x"),
    ]);
}

#[test]
fn case_does_not_matter() {
    assert_redacted(&[
        ("ADA LOVELACE is taken", "[redacted] is taken"),
        ("city M\u{dc}NCHEN", "city [redacted]"),
        ("STRASSENKATER sleeps", "[redacted] sleeps"),
        ("strassenkater sleeps", "[redacted] sleeps"),
    ]);
}

#[test]
fn url_encoding_does_not_matter() {
    assert_redacted(&[
        ("?q=ada.l%40example.com&page=2", "[redacted]"),
        ("path /people/Ada%20Lovelace/2", "path /people/[redacted]/2"),
        ("name=Ada+Lovelace&page=2", "name=[redacted]&page=2"),
        ("city=M%C3%BCnchen", "city=[redacted]"),
        ("city=m%c3%bcnchen", "city=[redacted]"),
        ("team=Li%20Wu", "team=[redacted]"),
        ("%41da", "[redacted]"),
    ]);
}

#[test]
fn json_escapes_do_not_matter() {
    assert_redacted(&[
        (r#"{"city":"M\u00fcnchen"}"#, r#"{"city":"[redacted]"}"#),
        (r"line 1\nAda", "line [redacted]"),
        (r#"a \"taste\" here"#, r#"a \"[redacted]\" here"#),
        (r"M%5Cu00fcnchen", "[redacted]"),
        (r"\u004d%C3%BCnchen", "[redacted]"),
    ]);
}

#[test]
fn custom_fields_comments_metadata_and_unknown_fields_are_personal() {
    assert_redacted(&[
        ("magenta", "[redacted]"),
        ("a shirt", "a [redacted]"),
        ("for grandma", "[redacted]"),
        ("unknown K\u{f6}hler", "unknown [redacted]"),
        ("call 1234567 now", "call [redacted] now"),
        ("seats: 4321", "seats: [redacted]"),
    ]);
}

#[test]
fn whole_values_are_redacted_however_short_their_words() {
    assert_redacted(&[
        ("team Li Wu", "team [redacted]"),
        ("team li  wu", "team [redacted]"),
        ("at 12 Rue Cler", "at [redacted]"),
        ("state CA", "state [redacted]"),
        ("Li, Wu", "[redacted]"),
    ]);
    assert_unchanged(&["it ca be", "Li or Wu", "12 of them"]);
}

#[test]
fn values_glued_to_other_letters_are_redacted() {
    assert_redacted(&[
        ("badAda Lovelace", "[redacted]"),
        ("\u{7530}\u{4e2d}\u{592a}\u{90ce}\u{3055}\u{3093}", "[redacted]"),
        ("xSTRASSENKATERx", "[redacted]"),
    ]);
    assert_unchanged(&["Adapter and cannot"]);
}

#[test]
fn secrets_are_redacted_in_every_form() {
    assert_redacted(&[
        ("key-1 of site-1", "[redacted] of [redacted]"),
        ("KEY-1", "[redacted]"),
        ("Basic c2l0/S0x+a2V5=", "Basic [redacted]="),
        ("Basic c2l0%2FS0x%2ba2V5", "Basic [redacted]"),
        (r"Basic c2l0\/S0x+a2V5", "Basic [redacted]"),
        ("Basic c2l0/S0x%2ba2V5", "Basic [redacted]"),
    ]);
}

#[test]
fn what_looks_like_an_address_is_redacted() {
    assert_redacted(&[
        ("ada.l@example.com is taken", "[redacted] is taken"),
        ("<bob@elsewhere.org>, it seems", "[redacted] it seems"),
        ("to bob%40elsewhere.org\nnow", "to [redacted]\nnow"),
    ]);
}

#[test]
fn reasons_stay_readable() {
    assert_unchanged(&[
        "property value cannot be longer than 1000 bytes",
        "attributes.status: cancelled is not a number in Payment Completed",
        "unknown product pdt_Xyz of cus_1 in EUR at 2026-11-20",
        "TypeError: cannot read property 'email' of undefined",
        "it took more than 100 ms of CPU",
        "a blank is no word",
    ]);
}

/// The comment has `property`, `value`, `too` and `long`; the metadata 4321.
#[test]
fn our_words_are_only_kept_in_our_sentences() {
    assert_unchanged(&[
        "property value cannot be longer than 4321 bytes",
        "name is too long",
        "cannot read property 'team' of undefined",
    ]);
    assert_redacted(&[
        ("the property", "[redacted]"),
        ("value: LONG", "[redacted]"),
        ("'property value' is odd", "'[redacted]' is odd"),
        ("the property value was too long for grandma s taste", "[redacted]"),
        ("4321 words", "[redacted] words"),
    ]);
}

#[test]
fn field_names_survive_although_a_value_has_the_same_word() {
    let payload = json!({"data": {
        "seat_plan": "pro", "plan": "first", "cancellation_comment": "please email me a plan with a seat",
        "customer": {"email": "a@b.c", "first_name": "Al"},
    }});
    let redactor = Redactor::new(&payload, []);
    for kept in
        ["email", "attributes.plan", "data.customer.email", "seat_plan is odd", "first_name"]
    {
        assert_eq!(redactor.redact(kept), kept);
    }
    assert_eq!(redactor.redact("email plan"), "[redacted]");
    assert_eq!(redactor.redact("see x.plan"), "see x.[redacted]");
}

#[test]
fn an_events_name_is_not_personal() {
    let item = json!({"type": "person", "action": "event", "name": "Order Placed",
        "identifiers": {"email": "ada@example.com"}, "attributes": {"name": "Ada", "status": "active"}});
    let redactor = Redactor::new(&json!({"batch": [item]}), []);
    assert_eq!(
        redactor.redact("Ada: active in Order Placed"),
        "[redacted]: active in Order Placed"
    );
}

#[test]
fn a_harmless_field_is_personal_if_its_value_is_free_text() {
    let redactor =
        Redactor::new(&json!({"data": {"status": "ask Bob", "type": {"by": "Eve"}}}), []);
    assert_eq!(redactor.redact("ask Eve and Bob"), "[redacted] and [redacted]");
}

#[test]
fn a_flood_is_cut() {
    assert_eq!(redacted(&"ü".repeat(1000)), "ü".repeat(300));
    assert_eq!(redacted(&"Ada ".repeat(100_000)).trim(), "[redacted]");
    assert_eq!(redacted(&"x".repeat(1_000_000)), "[redacted]");
    assert_eq!(redacted(&format!("{}tail", "no. ".repeat(500))).len(), 300);
}

#[test]
fn a_cut_makes_no_personal_word() {
    let message = format!("{}Adamant", "-".repeat(297));
    assert_eq!(redacted(&message), "-".repeat(297));
    assert_eq!(
        redacted(&format!("{}Adamant", "-".repeat(296))),
        format!("{}Adam", "-".repeat(296))
    );
}

#[test]
fn a_message_is_cut_between_words() {
    for (text, expected) in [("one two", "one two"), ("one two2three", "one "), ("onetwothree", "")]
    {
        let mut message = text.to_owned();
        cut(&mut message, 8);
        assert_eq!(message, expected);
    }
}

/// The table of alphabets is a short cut and nothing else.
#[test]
fn every_letter_folds_as_the_standard_library_has_it() {
    for char in ('\0'..=char::MAX).filter(|char| *char != 'ẞ') {
        let mut folded = String::new();
        personal::fold(char, &mut folded);
        let expected: String = char.to_uppercase().flat_map(char::to_lowercase).collect();
        assert_eq!(folded, expected, "{char:?}");
    }
}
