//! Two kinds of charts, as SVG: lines over an axis, and bars beside one another.
//!
//! Colours are told apart also by those who do not see red and green apart; ours is always the first.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::tables::{figure, grouped};

const INK: RGBColor = RGBColor(40, 40, 40);
const PALE: RGBColor = RGBColor(225, 225, 225);
const FLOOR: RGBColor = RGBColor(150, 150, 150);
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(120, 90, 40),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];
const WIDTH: u32 = 960;

/// An axis.
#[derive(Clone, Copy)]
pub struct Axis {
    /// What it shows, with its unit.
    pub says: &'static str,
    /// Powers of ten at even distances.
    pub log: bool,
    /// Nothing lies between two whole numbers.
    pub whole: bool,
}

impl Axis {
    fn place(self, value: f64) -> f64 {
        if self.log { value.max(1e-3).log10() } else { value }
    }

    fn label(self, place: f64) -> String {
        let value = if self.log { 10f64.powf(place) } else { place };
        match value {
            _ if (self.log || self.whole) && (place - place.round()).abs() > 1e-6 => String::new(),
            value if value >= 1e9 => format!("{} G", figure(value / 1e9)),
            value if value >= 1.0 && value.fract().abs() < 1e-6 => grouped(value),
            value => format!("{}", (value * 1e4).round() / 1e4),
        }
    }

    /// From a little below the least to a little above the greatest.
    fn range(self, values: impl Iterator<Item = f64>, from_zero: bool) -> (f64, f64) {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            (least, most) = (least.min(value), most.max(value));
        }
        if !least.is_finite() {
            return (0.0, 1.0);
        }
        if self.log {
            let (least, most) = (least.max(1e-3).log10().floor(), most.max(1e-3).log10().ceil());
            return (least, most.max(least + 1.0));
        }
        if from_zero { (0.0, (most * 1.05).max(1e-9)) } else { (least, most.max(least + 1e-9)) }
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// Measured, with a mark at each point.
    Measured,
    /// Many points, or none that was measured.
    Plain,
    /// Modelled, or a bound.
    Dashed,
}

/// A line and its name in the legend.
pub struct Curve {
    /// In the legend.
    pub name: String,
    /// x and y.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Which of the colours; `None` is grey, for floors and bounds.
    pub color: Option<usize>,
}

type Drawn = Result<(), Box<dyn Error>>;

fn color(index: Option<usize>) -> RGBColor {
    index.map_or(FLOOR, |index| COLORS[index % COLORS.len()])
}

fn svg(
    height: u32,
    title: &str,
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Drawn,
) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let style = ("sans-serif", 18).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Top));
        area.draw(&Text::new(title.to_owned(), (16, 12), style))?;
        draw(&area)?;
        area.present()?;
    }
    Ok(text)
}

/// Lines over a common axis.
///
/// # Errors
/// None that is known; the library that draws it could name one.
pub fn lines(title: &str, x: Axis, y: Axis, curves: &[Curve]) -> Result<String, Box<dyn Error>> {
    svg(500, title, |area| {
        let all = || curves.iter().flat_map(|curve| curve.points.iter());
        let (left, right) = x.range(all().map(|point| point.0), false);
        let (bottom, top) = y.range(all().map(|point| point.1), true);
        let mut chart = ChartBuilder::on(area)
            .margin_top(44 + legend(area, curves)?)
            .margin_right(28)
            .margin_bottom(8)
            .margin_left(10)
            .x_label_area_size(46)
            .y_label_area_size(86)
            .build_cartesian_2d(left..right, bottom..top)?;
        let ticks = |low: f64, high: f64, log: bool| if log { (high - low).round() as usize + 1 } else { 9 };
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(PALE)
            .x_labels(ticks(left, right, x.log))
            .y_labels(ticks(bottom, top, y.log).min(9))
            .x_label_formatter(&|place| x.label(*place))
            .y_label_formatter(&|place| y.label(*place))
            .x_desc(x.says)
            .y_desc(y.says)
            .label_style(("sans-serif", 14).into_font().color(&INK))
            .axis_desc_style(("sans-serif", 15).into_font().color(&INK))
            .draw()?;
        for curve in curves {
            let color = color(curve.color);
            let style = color.stroke_width(if curve.color == Some(0) { 3 } else { 2 });
            let points: Vec<(f64, f64)> = curve.points.iter().map(|&(a, b)| (x.place(a), y.place(b))).collect();
            if curve.stroke == Stroke::Dashed {
                chart.draw_series(DashedLineSeries::new(points, 7, 5, style))?;
                continue;
            }
            chart.draw_series(LineSeries::new(points.clone(), style))?;
            if curve.stroke == Stroke::Measured {
                chart.draw_series(points.into_iter().map(|at| Circle::new(at, 4, color.filled())))?;
            }
        }
        Ok(())
    })
}

/// Names the lines between the title and the chart, where they hide none of it; returns how high that is.
fn legend(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, curves: &[Curve]) -> Result<u32, Box<dyn Error>> {
    const ROW: i32 = 22;
    let (mut x, mut y) = (18, 50);
    for curve in curves {
        // As wide as letters of this size are at most.
        let width = 60 + 8 * curve.name.chars().count() as i32;
        if x + width > WIDTH as i32 && x > 18 {
            (x, y) = (18, y + ROW);
        }
        let style = color(curve.color).stroke_width(3);
        if curve.stroke == Stroke::Dashed {
            for from in [x, x + 11] {
                area.draw(&PathElement::new(vec![(from, y), (from + 7, y)], style))?;
            }
        } else {
            area.draw(&PathElement::new(vec![(x, y), (x + 20, y)], style))?;
        }
        let text = ("sans-serif", 14).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(curve.name.clone(), (x + 26, y), text))?;
        x += width;
    }
    Ok((y - 50 + ROW) as u32)
}

/// Whose bar it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// tidegate's.
    Ours,
    /// A peer's.
    Peer,
    /// What nobody can be below.
    Floor,
}

/// A bar.
pub struct Bar {
    /// Beside it.
    pub name: String,
    /// Its length, and the middle half of what was measured.
    pub value: f64,
    /// A quarter was below.
    pub low: Option<f64>,
    /// A quarter was above.
    pub high: Option<f64>,
    /// Its colour.
    pub whose: Whose,
}

/// Horizontal bars under headings.
///
/// # Errors
/// None that is known; the library that draws it could name one.
pub fn bars(title: &str, unit: &str, groups: &[(String, Vec<Bar>)]) -> Result<String, Box<dyn Error>> {
    const ROW: i32 = 22;
    const LEFT: i32 = 400;
    let rows: usize = groups.iter().map(|(_, bars)| bars.len() + 1).sum();
    let height = 84 + (ROW * rows as i32) as u32 + 8 * groups.len() as u32;
    let most = groups.iter().flat_map(|(_, bars)| bars).map(|bar| bar.high.unwrap_or(bar.value).max(bar.value));
    let most = most.fold(1e-9, f64::max);
    let long = f64::from(WIDTH as i32 - LEFT - 90);
    let at = |value: f64| LEFT + (value / most * long).round() as i32;
    svg(height, title, |area| {
        let text =
            |size: u32, side: HPos| ("sans-serif", size).into_font().color(&INK).pos(Pos::new(side, VPos::Center));
        let legend = [("tidegate", Whose::Ours), ("a peer", Whose::Peer), ("a floor", Whose::Floor)];
        for (n, (says, whose)) in legend.into_iter().enumerate() {
            let x = 18 + 110 * n as i32;
            area.draw(&Rectangle::new([(x, 44), (x + 14, 56)], fill(whose).filled()))?;
            area.draw(&Text::new(says.to_owned(), (x + 20, 50), text(14, HPos::Left)))?;
        }
        let says = format!("{unit}; the mark is the middle half of the rounds");
        area.draw(&Text::new(says, (WIDTH as i32 - 20, 50), text(14, HPos::Right)))?;
        let mut y = 80;
        for (heading, bars) in groups {
            area.draw(&Text::new(heading.clone(), (18, y), text(15, HPos::Left)))?;
            y += ROW;
            for bar in bars {
                let (from, to) = (at(0.0), at(bar.value).max(LEFT + 1));
                area.draw(&Text::new(bar.name.clone(), (LEFT - 8, y), text(14, HPos::Right)))?;
                area.draw(&Rectangle::new([(from, y - 8), (to, y + 8)], fill(bar.whose).filled()))?;
                let mut end = to;
                if let (Some(low), Some(high)) = (bar.low, bar.high) {
                    area.draw(&PathElement::new(vec![(at(low), y), (at(high), y)], INK.stroke_width(2)))?;
                    end = end.max(at(high));
                }
                area.draw(&Text::new(figure(bar.value), (end + 6, y), text(14, HPos::Left)))?;
                y += ROW;
            }
            y += 8;
        }
        Ok(())
    })
}

fn fill(whose: Whose) -> RGBColor {
    match whose {
        Whose::Ours => COLORS[0],
        Whose::Peer => COLORS[6],
        Whose::Floor => FLOOR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_names_its_axes_and_its_lines() {
        let points = vec![(100.0, 10.0), (10_000.0, 200.0)];
        let curve = |name: &str, stroke| Curve { name: name.into(), points: points.clone(), stroke, color: Some(0) };
        let axis = |says, log| Axis { says, log, whole: false };
        let curves = [curve("ours", Stroke::Measured), curve("model", Stroke::Dashed)];
        let svg = lines("a title", axis("keys", true), axis("ns", false), &curves).unwrap();
        for says in ["a title", "keys", "ns", "ours", "model", "10,000"] {
            assert!(svg.contains(says), "{says}");
        }
        let nothing = lines("nothing", axis("x", false), axis("y", true), &[]).unwrap();
        assert!(nothing.ends_with("</svg>\n"));
    }

    #[test]
    fn a_bar_says_its_figure() {
        let bar = Bar { name: "ours".into(), value: 12.5, low: Some(12.0), high: Some(13.0), whose: Whose::Ours };
        let svg = bars("t", "ns", &[("grant".into(), vec![bar])]).unwrap();
        assert!(svg.contains("12.5") && svg.contains("grant") && svg.contains("ours"));
        assert!(bars("t", "ns", &[]).is_ok());
    }
}
