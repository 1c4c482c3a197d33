\set voucher random(1, :vouchers)
\set payable random(1, :payables)
\set amount random(1, 9999)
select hold_id from ledger_request_hold('place_hold', 'place_hold/' || gen_random_uuid(), '\x00', 'user:1', 'voucher:P:V-:voucher', '2025-06-02 12:00+00', '', '{}', 3::smallint, 'voucher:P:V-:voucher', 'provider_payable:P:O-:payable', :amount, '2025-07-02 12:00+00', '') \gset
select captured from ledger_request_capture('settle_bill', 'settle_bill/' || gen_random_uuid(), '\x00', 'user:1', 'voucher:P:V-:voucher', '2025-06-02 12:00+00', '', '{}', :hold_id, :amount, true);
