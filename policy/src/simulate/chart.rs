//! The chart of an outcome, as SVG: what was admitted, delayed and denied, stacked, and what was asked, over time.

use std::fmt;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::outcome::Outcome;

const SIZE: (u32, u32) = (1_000, 440);
/// Told apart also by those who do not see red and green apart, and in black and white.
const AT_ONCE: RGBColor = RGBColor(60, 140, 180);
const DELAYED: RGBColor = RGBColor(245, 190, 80);
const DENIED: RGBColor = RGBColor(190, 50, 60);
const ASKED: RGBColor = RGBColor(40, 40, 40);

/// A chart could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartError(String);

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the chart could not be drawn: {}", self.0)
    }
}

impl std::error::Error for ChartError {}

impl Outcome {
    /// A chart as a whole SVG document: a column a bin, what was admitted at once, admitted late and denied stacked on one another, and a line for
    /// what was asked. Requests stand where they were decided.
    ///
    /// # Errors
    /// None that is known; the library that draws it could name one.
    pub fn to_svg(&self, title: &str) -> Result<String, ChartError> {
        let mut svg = String::new();
        self.draw(&mut svg, title).map_err(|error| ChartError(error.to_string()))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String, title: &str) -> Result<(), Box<dyn std::error::Error>> {
        let (bins, width) = (self.series().bins(), self.series().width());
        let columns = bins.len().max(1);
        let highest = bins.iter().map(|bin| (bin.at_once + bin.delayed + bin.denied).max(bin.asked)).max();
        let top = highest.unwrap_or(0).max(1);
        let top = top + top / 12 + 1;
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let title: String = title.chars().take(110).collect();
        let style = ("sans-serif", 18).into_font().color(&ASKED).pos(Pos::new(HPos::Left, VPos::Top));
        area.draw(&Text::new(title, (16, 10), style))?;
        let mut chart = ChartBuilder::on(&area)
            .margin_top(40)
            .margin_right(24)
            .margin_bottom(8)
            .margin_left(8)
            .x_label_area_size(44)
            .y_label_area_size(70)
            .build_cartesian_2d(0f64..columns as f64, 0u64..top)?;
        let (start, long) = (self.series().start(), columns as u64 * (width / 1_000_000_000));
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_labels(9)
            .y_labels(6)
            .x_label_formatter(&|column| clock(start.saturating_add((column * width as f64) as u64), long))
            .y_label_formatter(&|count| grouped(*count))
            .x_desc("UTC")
            .y_desc(format!("requests each {}", span(width)))
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 14))
            .draw()?;
        type Part = fn(&super::Bin) -> (u64, u64);
        let parts: [(&str, RGBColor, Part); 3] = [
            ("admitted at once", AT_ONCE, |bin| (0, bin.at_once)),
            ("admitted after a wait", DELAYED, |bin| (bin.at_once, bin.delayed)),
            ("denied", DENIED, |bin| (bin.at_once + bin.delayed, bin.denied)),
        ];
        for (name, color, part) in parts {
            let bars = bins.iter().enumerate().filter_map(|(n, bin)| {
                let (from, count) = part(bin);
                (count > 0).then(|| Rectangle::new([(n as f64, from), (n as f64 + 1.0, from + count)], color.filled()))
            });
            chart
                .draw_series(bars)?
                .label(name)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
        }
        // A step a bin.
        let steps = bins.iter().enumerate().flat_map(|(n, bin)| [(n as f64, bin.asked), (n as f64 + 1.0, bin.asked)]);
        chart
            .draw_series(LineSeries::new(steps, ASKED.stroke_width(1)))?
            .label("asked")
            .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 12, y)], ASKED));
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(200, 200, 200))
            .label_font(("sans-serif", 13))
            .draw()?;
        area.present()?;
        Ok(())
    }
}

/// As much of an instant as tells the columns apart, over so many seconds.
fn clock(nanos: u64, seconds: u64) -> String {
    let Ok(instant) = jiff::Timestamp::from_nanosecond(nanos.into()) else { return String::new() };
    let form = match seconds {
        0..10 => "%H:%M:%S%.3f",
        10..7_200 => "%H:%M:%S",
        7_200..259_200 => "%m-%d %H:%M",
        _ => "%Y-%m-%d",
    };
    instant.strftime(form).to_string()
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn span(nanos: u64) -> String {
    let units = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "min"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
    ];
    let (size, name) = units.into_iter().find(|(size, _)| nanos.is_multiple_of(*size)).unwrap_or((1, "ns"));
    format!("{} {name}", nanos / size)
}
