//! Horizontal bars as SVG.

use std::fmt::Write;

const LEFT: f64 = 170.0;
const LENGTH: f64 = 440.0;
const WIDTH: f64 = 720.0;
const LINE: f64 = 22.0;

/// One panel below the other; each has a title and named values, and a scale of its own.
pub fn bars(panels: &[(&str, Vec<(&str, f64)>)]) -> String {
    let (mut body, mut y) = (String::new(), 0.0);
    for (title, values) in panels {
        y += 1.5 * LINE;
        text(&mut body, 10.0, y, "title", title);
        let largest = values.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        for (name, value) in values {
            y += LINE;
            bar(&mut body, y, name, *value, value / largest);
        }
    }
    let height = y + LINE;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <style>.title{{font-weight:bold}}.ours{{fill:#1a7f4b}}.other{{fill:#9aa5b1}}text{{fill:#222}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

fn bar(body: &mut String, y: f64, name: &str, value: f64, part: f64) {
    let class = if name.starts_with("ours") { "ours" } else { "other" };
    let (top, length) = (y - 13.0, (part * LENGTH).max(1.0));
    text(body, 24.0, y, "name", name);
    writeln!(
        body,
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{top}\" width=\"{length:.1}\" height=\"16\"/>"
    )
    .expect("a string");
    let label = if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") };
    text(body, LEFT + length + 6.0, y, "value", &label);
}

fn text(body: &mut String, x: f64, y: f64, class: &str, content: &str) {
    writeln!(body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y}\">{content}</text>")
        .expect("a string");
}
