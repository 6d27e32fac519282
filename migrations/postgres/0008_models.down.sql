-- Takes back 0008: kept replies, budgets, balances and alerts go; usage stays.
DROP INDEX ix_resource_usage_at;
DROP INDEX ix_resource_usage_experiment;
DROP INDEX ix_resource_usage_cost;
DROP INDEX ix_resource_usage_task;
ALTER TABLE resource_usage DROP COLUMN timestamp;
ALTER TABLE resource_usage DROP COLUMN estimated_cost;
ALTER TABLE resource_usage DROP COLUMN total_tokens;
ALTER TABLE resource_usage DROP COLUMN api_calls_json;
ALTER TABLE resource_usage DROP COLUMN strategy_type;
ALTER TABLE resource_usage DROP COLUMN usage_id;
ALTER TABLE resource_usage DROP COLUMN provider;
ALTER TABLE resource_usage DROP COLUMN experiment_id;
ALTER TABLE resource_usage DROP COLUMN task_id;
DROP TABLE alerts;
DROP TABLE credit_balance;
DROP TABLE budget_holds;
DROP TABLE budgets;
DROP TABLE llm_cache;
