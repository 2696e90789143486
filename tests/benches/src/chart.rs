//! Bar charts as SVG, for a light and for a dark page.

use std::fmt::Write as _;
use std::time::Duration;

use crate::shown;

/// The colours of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on a light page.
    Light,
    /// Light text on a dark page.
    Dark,
}

impl Theme {
    /// Both themes, and the names that their files end in.
    pub const ALL: [(Self, &str); 2] = [(Self::Light, "light"), (Self::Dark, "dark")];

    fn text(self) -> &'static str {
        match self {
            Self::Light => "#1f2328",
            Self::Dark => "#e6edf3",
        }
    }

    fn faint_text(self) -> &'static str {
        match self {
            Self::Light => "#59636e",
            Self::Dark => "#9198a1",
        }
    }

    /// The colour of a series, which differ in lightness too.
    fn series(self, index: usize) -> &'static str {
        let colours = match self {
            Self::Light => ["#0b5cad", "#d9730d", "#7a8793"],
            Self::Dark => ["#58a6ff", "#f0a35e", "#848d97"],
        };
        colours.get(index).copied().unwrap_or(self.text())
    }
}

/// A group of bars, one for each program.
#[derive(Clone, Debug)]
pub struct Group {
    /// What all of its bars measure.
    pub label: String,
    /// Program and nanoseconds.
    pub bars: Vec<(String, f64)>,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The line above the chart.
    pub title: String,
    /// The programs, in the order of their colours.
    pub series: Vec<String>,
    /// The groups from top to bottom.
    pub groups: Vec<Group>,
    /// Whether ten times as long is one step further, for times that differ much.
    pub is_logarithmic: bool,
}

const WIDTH: f64 = 720.0;
const LABELS: f64 = 190.0;
/// Room for the figure behind a bar.
const FIGURES: f64 = 90.0;
const BAR: f64 = 14.0;
const GAP: f64 = 12.0;
const TOP: f64 = 62.0;

impl Chart {
    /// The chart as SVG, which has a title and a description for screen readers.
    pub fn svg(&self, theme: Theme) -> String {
        let height = TOP + self.groups.iter().map(height_of).sum::<f64>();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<title>{}</title>\n<desc>{}</desc>\n",
            escaped(&self.title),
            escaped(&self.description()),
        );
        let text = theme.text();
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"16\" fill=\"{text}\" font-weight=\"600\">{}</text>",
            escaped(&self.title)
        );
        let mut x = 0.0;
        for (index, name) in self.series.iter().enumerate() {
            let colour = theme.series(index);
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"30\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{colour}\"/><text x=\"{}\" y=\"41\" \
                 fill=\"{text}\">{}</text>",
                x + 18.0,
                escaped(name)
            );
            x += 34.0 + 7.5 * name.len() as f64;
        }
        let mut y = TOP;
        for group in &self.groups {
            self.draw(group, y, theme, &mut svg);
            y += height_of(group);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn draw(&self, group: &Group, top: f64, theme: Theme, svg: &mut String) {
        let middle = top + BAR * group.bars.len() as f64 / 2.0 + 4.0;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\" fill=\"{}\">{}</text>",
            LABELS - 10.0,
            theme.text(),
            escaped(&group.label)
        );
        for (index, (name, nanos)) in group.bars.iter().enumerate() {
            let y = top + BAR * index as f64;
            let length = self.share(*nanos) * (WIDTH - LABELS - FIGURES);
            let series = self.series.iter().position(|series| series == name);
            let _ = writeln!(
                svg,
                "<rect x=\"{LABELS}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\" rx=\"2\" fill=\"{}\"/><text x=\"{:.1}\" \
                 y=\"{}\" font-size=\"11\" fill=\"{}\">{}</text>",
                y + 1.0,
                BAR - 2.0,
                theme.series(series.unwrap_or(usize::MAX)),
                LABELS + length + 6.0,
                y + BAR - 3.0,
                theme.faint_text(),
                shown(Duration::from_nanos(*nanos as u64))
            );
        }
    }

    /// How much of the width a time takes.
    fn share(&self, nanos: f64) -> f64 {
        let all = || {
            self.groups
                .iter()
                .flat_map(|group| &group.bars)
                .map(|(_, nanos)| *nanos)
        };
        let most = all().fold(1.0, f64::max);
        if !self.is_logarithmic {
            return nanos / most;
        }
        // The shortest bar is half a step long.
        let least = all().fold(f64::INFINITY, f64::min) / 3.0;
        (nanos / least).log10() / (most / least).log10()
    }

    fn description(&self) -> String {
        let groups = self.groups.iter().map(|group| {
            let bars = group
                .bars
                .iter()
                .map(|(name, nanos)| format!("{name} {}", shown(Duration::from_nanos(*nanos as u64))));
            format!("{}: {}", group.label, bars.collect::<Vec<_>>().join(", "))
        });
        let scale = if self.is_logarithmic {
            " The scale is logarithmic."
        } else {
            ""
        };
        format!("{}.{scale}", groups.collect::<Vec<_>>().join("; "))
    }
}

fn height_of(group: &Group) -> f64 {
    BAR * group.bars.len() as f64 + GAP
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(is_logarithmic: bool) -> Chart {
        let group = |label: &str, ours: f64, theirs: f64| Group {
            label: label.into(),
            bars: vec![("Kubex".into(), ours), ("kube".into(), theirs)],
        };
        Chart {
            title: "a & b".into(),
            series: vec!["Kubex".into(), "kube".into()],
            groups: vec![group("1", 100.0, 1000.0), group("2", 1000.0, 100_000.0)],
            is_logarithmic,
        }
    }

    #[test]
    fn a_longer_time_is_a_longer_bar_within_the_chart() {
        for is_logarithmic in [false, true] {
            let chart = chart(is_logarithmic);
            let shares = [100.0, 1000.0, 100_000.0].map(|nanos| chart.share(nanos));
            assert!(shares[0] > 0.0 && shares[0] < shares[1] && shares[1] < shares[2]);
            assert!((shares[2] - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_chart_names_each_figure_in_its_text() {
        let svg = chart(true).svg(Theme::Dark);
        assert!(svg.contains("1: Kubex 100 ns, kube 1.0 us; 2: Kubex 1.0 us, kube 0.10 ms. The scale is"));
        assert!(svg.contains("<title>a &amp; b</title>") && svg.ends_with("</svg>\n"));
    }
}
