//! What tokens cost, as the table of prices says that `LiteLLM` publishes (`model_prices_and_context_window.json`).

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Prices of models, by their names.
#[derive(Clone, Debug, Default)]
pub struct Prices(HashMap<String, Price>);

/// What a model's tokens cost, in femtodollars each: prices have up to about ten digits behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Price {
    input: u128,
    cached: u128,
    output: u128,
    /// Whether large requests cost more.
    has_tiers: bool,
}

/// A file that is no table of prices.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PricesError {
    /// The text is no JSON object.
    #[error("no JSON object")]
    Json(#[from] serde_json::Error),
    /// No model of it has prices of input and output.
    #[error("no model in it has `input_cost_per_token` and `output_cost_per_token`")]
    Empty,
}

impl Prices {
    /// Reads a table: an object of each model, with prices in US dollars for a token. A model without a price of input or
    /// of output has none.
    ///
    /// # Errors
    ///
    /// [`PricesError`] if the text is no table of prices.
    pub fn read(json: &[u8]) -> Result<Self, PricesError> {
        let table: Map<String, Value> = serde_json::from_slice(json)?;
        let prices = table.into_iter().filter_map(|(model, entry)| Some((model, Price::of(&entry)?)));
        let prices: HashMap<_, _> = prices.collect();
        if prices.is_empty() { Err(PricesError::Empty) } else { Ok(Self(prices)) }
    }

    /// What a turn cost, in femtodollars; `None` if the model has no price, or the turn says no tokens. `cached` is a part
    /// of `input`.
    pub(super) fn cost(&self, model: &str, [input, cached, output, _]: [Option<u64>; 4]) -> Option<u128> {
        let price = self.0.get(model)?;
        let (input, cached, output) = (input?, cached?, output?);
        let fresh = u128::from(input.saturating_sub(cached));
        Some(fresh * price.input + u128::from(cached) * price.cached + u128::from(output) * price.output)
    }

    /// Whether there is a price of a model.
    pub fn knows(&self, model: &str) -> bool {
        self.0.contains_key(model)
    }

    /// Whether a model's large requests cost more than its cost in a report says.
    pub fn has_tiers(&self, model: &str) -> bool {
        self.0.get(model).is_some_and(|price| price.has_tiers)
    }
}

impl Price {
    fn of(entry: &Value) -> Option<Self> {
        let entry = entry.as_object()?;
        let price = |name: &str| femtodollars(entry.get(name)?);
        let input = price("input_cost_per_token")?;
        let is_tier = |(name, price): (&String, &Value)| name.contains("_above_") && price.is_number();
        Some(Self {
            input,
            cached: price("cache_read_input_token_cost").unwrap_or(input),
            output: price("output_cost_per_token")?,
            has_tiers: entry.iter().any(is_tier),
        })
    }
}

/// A price of a token. `None` if it is no number, negative, or more than a thousand dollars.
fn femtodollars(price: &Value) -> Option<u128> {
    let price = price.as_f64().filter(|price| (0.0..=1000.0).contains(price))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 10^18")]
    Some((price * 1e15).round() as u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read() {
        let table = br#"{
            "sample_spec": { "input_cost_per_token": "a description", "max_tokens": "a limit" },
            "gpt-5.1": { "input_cost_per_token": 1.25e-06, "cache_read_input_token_cost": 1.25e-07,
                "output_cost_per_token": 1e-05, "input_cost_per_token_above_272k_tokens": 2.5e-06, "mode": "chat" },
            "plain": { "input_cost_per_token": 3e-6, "output_cost_per_token": 0 },
            "half": { "input_cost_per_token": 3e-6 },
            "wrong": { "input_cost_per_token": -3e-6, "output_cost_per_token": 1 }
        }"#;
        let prices = Prices::read(table).unwrap();
        let tokens = [Some(1000), Some(800), Some(10), None];
        let dollar = 10_u128.pow(15);
        // 200 × 1.25 + 800 × 0.125 + 10 × 10 = 450 millionths of a dollar.
        assert_eq!(prices.cost("gpt-5.1", tokens), Some(450 * dollar / 1_000_000));
        assert_eq!(prices.cost("plain", tokens), Some(3000 * dollar / 1_000_000));
        assert_eq!(prices.cost("plain", [Some(1), None, Some(1), None]), None);
        let known: Vec<_> =
            ["sample_spec", "gpt-5.1", "plain", "half", "wrong"].map(|model| prices.knows(model)).into();
        assert_eq!(known, [false, true, true, false, false]);
        assert_eq!(["gpt-5.1", "plain"].map(|model| prices.has_tiers(model)), [true, false]);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let error = |text: &str| Prices::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("{"), "no JSON object");
        assert_eq!(error("[]"), "no JSON object");
        assert_eq!(error(r#"{"a": {}}"#), PricesError::Empty.to_string());
    }
}
