//! A table of a document, row by row and cell by cell.
//!
//! What a row says wins over its column, a column over its table.

use toml::Spanned;

use super::Loader;
use super::scope::KeepingText;
use crate::check::{self, Evidence};
use crate::endpoint::Endpoints;
use crate::evidence::bare;
use crate::file::{Column, Holds, Row, Table, Text};
use crate::limit::{Allowance, Limit};
use crate::place::PolicyError;

impl Loader<'_> {
    pub(super) fn table(&mut self, table: &Table) -> Result<(), PolicyError> {
        if !self.quoted {
            let message = "a table quotes a document, and the provider names none";
            return Err(self
                .doc
                .error(table.id.span(), message)
                .help("say `document` under [provider], or write [[limit]]s"));
        }
        for why in [&table.scope_why, &table.pool_why].into_iter().flatten() {
            self.quote(why);
        }
        if let (Some(scope), Some(why)) = (table.scope, &table.scope_why) {
            check::scope(self.doc, &why.span(), scope, why.get_ref())?;
        }
        for (n, column) in table.columns.iter().enumerate() {
            let column = column.get_ref();
            self.quote(&column.name);
            let of_a_limit = matches!(column.holds.get_ref(), Holds::Burst | Holds::Period);
            let after = n.checked_sub(1).map(|before| *table.columns[before].get_ref().holds.get_ref());
            if of_a_limit && after != Some(Holds::Limit) {
                return Err(self
                    .doc
                    .error(column.holds.span(), "a burst or a period must follow the column of its limit"));
            }
            if let Some(why) = &column.scope_why {
                self.quote(why);
                if let Some(scope) = column.scope.or(table.scope) {
                    check::scope(self.doc, &why.span(), scope, why.get_ref())?;
                }
            }
        }
        table.row.iter().try_for_each(|row| self.row(table, row))?;
        let lists = table.row.iter().filter_map(|row| row.get_ref().endpoints.as_ref());
        let lists = lists.chain(table.columns.iter().filter_map(|column| column.get_ref().endpoints.as_ref()));
        let mut rows = Vec::new();
        for list in lists.chain(&table.endpoints) {
            if let Endpoints::Matching(patterns) = self.endpoints(list)? {
                rows.push((list.span(), patterns));
            }
        }
        self.told_apart(&rows)
    }

    fn row(&mut self, table: &Table, spanned: &Spanned<Row>) -> Result<(), PolicyError> {
        let row = spanned.get_ref();
        self.quote(&row.source);
        let cells = self.cells(table, row)?;
        let limit_columns = table
            .columns
            .iter()
            .filter(|column| matches!(column.get_ref().holds.get_ref(), Holds::Limit | Holds::Count))
            .count();
        if row.limits.get_ref().len() != limit_columns {
            let message = format!(
                "the row has {} limits, its table has {limit_columns} columns of them",
                row.limits.get_ref().len()
            );
            return Err(self.doc.error(row.limits.span(), message));
        }
        let mut values = row.limits.get_ref().iter();
        let mut plan = None;
        let mut label = "";
        for (n, column) in table.columns.iter().enumerate() {
            let cell = cells[n].as_str();
            let column = column.get_ref();
            match column.holds.get_ref() {
                Holds::Plan => plan = Some(cell.to_lowercase()),
                Holds::Label => label = cell,
                Holds::Text | Holds::Burst | Holds::Period => {}
                Holds::Scope => {
                    if let Some(scope) = row.scope.or(table.scope) {
                        check::scope(self.doc, &row.source.span(), scope, cell)?;
                    }
                }
                Holds::Limit | Holds::Count => {
                    if let Some(value) = values.next() {
                        let at =
                            RowCell { table, row: spanned, column, n, cells: &cells, label, plan: plan.as_deref() };
                        self.cell(&at, value, limit_columns > 1)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The cells of a row: as given, or the quoted row cut at its bars. Put together again they must be the quotation.
    fn cells(&self, table: &Table, row: &Row) -> Result<Vec<String>, PolicyError> {
        let source = row.source.get_ref();
        let cells: Vec<String> = match &row.cells {
            Some(cells) => cells.get_ref().iter().map(|cell| cell.get_ref().clone()).collect(),
            None => source.split('|').map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect(),
        };
        let span = row.cells.as_ref().map_or(row.source.span(), Spanned::span);
        if bare(&cells.concat()) != bare(source) {
            let message = format!("the cells put together are `{}`, the quoted row is `{source}`", cells.concat());
            return Err(self.doc.error(span, message));
        }
        if cells.len() != table.columns.len() {
            let message = format!("the row has {} cells, its table {} columns", cells.len(), table.columns.len());
            return Err(self.doc.error(span, message));
        }
        Ok(cells)
    }

    fn cell(&mut self, at: &RowCell<'_>, value: &Text, several: bool) -> Result<(), PolicyError> {
        let (table, row, column) = (at.table, at.row.get_ref(), at.column);
        let id = {
            let row_id = match (&row.id, at.plan) {
                (Some(id), _) => id.get_ref().clone(),
                (None, Some(plan)) => plan.replace(' ', "-"),
                (None, None) => return Err(self.doc.error(at.row.span(), "the row needs an `id`")),
            };
            match (&column.id, several) {
                (Some(column_id), _) => format!("{}/{row_id}/{column_id}", table.id.get_ref()),
                (None, false) => format!("{}/{row_id}", table.id.get_ref()),
                (None, true) => {
                    return Err(self.doc.error(column.name.span(), "a column of several that limit needs an `id`"));
                }
            }
        };
        let scope = row.scope.or(column.scope).or(table.scope);
        let scope =
            scope.ok_or_else(|| self.doc.error(at.row.span(), "neither the row nor its table has a `scope`"))?;
        let endpoints = row.endpoints.as_ref().or(column.endpoints.as_ref()).or(table.endpoints.as_ref());
        let endpoints =
            endpoints.ok_or_else(|| self.doc.error(at.row.span(), "neither the row nor its table has `endpoints`"))?;
        let window = self.find_window(column.window.as_ref().or(table.window.as_ref()))?;
        let next = |holds| {
            at.table
                .columns
                .get(at.n + 1)
                .filter(|next| *next.get_ref().holds.get_ref() == holds)
                .map(|_| at.cells[at.n + 1].as_str())
        };
        let name = column.name.get_ref();
        let evidence = Evidence {
            number: &at.cells[at.n],
            exact: true,
            burst: next(Holds::Burst),
            period: next(Holds::Period)
                .map_or_else(|| format!("{name} {} {}", at.label, at.cells[at.n]), str::to_owned),
            name: format!("column `{name}` of the quoted row"),
        };
        let allowance = match column.holds.get_ref() {
            Holds::Count => self.count_text(value)?,
            _ => self.allowance(value, window.as_ref())?,
        };
        check::allowance(self.doc, &value.span(), &allowance, &evidence)?;
        macro_rules! level {
            ($of:expr) => {
                &KeepingText {
                    max_keys: $of.max_keys.as_ref(),
                    shadow: $of.shadow,
                    optional: $of.optional,
                    per: $of.per.as_ref(),
                    code: $of.code.as_ref(),
                }
            };
        }
        let levels = [level!(row), level!(column), level!(table)];
        let limit = Limit {
            id,
            table: Some(table.id.get_ref().clone()),
            plan: at.plan.map(str::to_owned),
            customer: None,
            scope,
            endpoints: self.endpoints(endpoints)?,
            pool: table.pool,
            unit: column.unit.as_ref().or(table.unit.as_ref()).map_or("requests", String::as_str).to_owned(),
            window: if matches!(allowance, Allowance::Count(_)) { None } else { window },
            allowance,
            example: None,
            source: row.source.get_ref().clone(),
            note: row.note.as_ref().or(table.note.as_ref()).cloned(),
            place: self.doc.place(value.span().start),
            category: None,
            instead: Vec::new(),
            keeping: self.keeping(scope, &levels)?,
        };
        self.push(limit, value.span())
    }
}

/// One cell that limits, with what stands around it.
struct RowCell<'a> {
    table: &'a Table,
    row: &'a Spanned<Row>,
    column: &'a Column,
    n: usize,
    cells: &'a [String],
    label: &'a str,
    plan: Option<&'a str>,
}
