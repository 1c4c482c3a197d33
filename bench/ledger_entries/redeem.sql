-- pgbench takes a colon and a letter for a variable even inside quotation marks, hence \x3a.
\set voucher random(1, :vouchers)
\set payable random(1, :payables)
\set amount random(1, 9999)
select hold_id from ledger_request_hold('place_hold', 'place_hold/' || gen_random_uuid(), '\x00', E'user\x3a1', E'voucher\x3aP\x3aV-' || cast(:voucher as text), '2025-06-02T120000Z', '', '{}', 3::smallint, E'voucher\x3aP\x3aV-' || cast(:voucher as text), E'provider_payable\x3aP\x3aO-' || cast(:payable as text), :amount, '2025-07-02T120000Z', '') \gset
select captured from ledger_request_capture('settle_bill', 'settle_bill/' || gen_random_uuid(), '\x00', E'user\x3a1', E'voucher\x3aP\x3aV-' || cast(:voucher as text), '2025-06-02T120000Z', '', '{}', :hold_id, :amount, true);
