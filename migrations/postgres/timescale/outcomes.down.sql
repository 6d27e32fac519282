-- Takes back what runs by itself: the sums, the policies and the compression. The table stays a hypertable, which every
-- statement takes for a plain one, until 0001 is taken back.
DROP MATERIALIZED VIEW outcomes_hourly;
SELECT remove_retention_policy('outcomes');
SELECT remove_compression_policy('outcomes');
SELECT decompress_chunk(chunk, true) FROM show_chunks('outcomes') chunk;
ALTER TABLE outcomes SET (timescaledb.compress = false);
