"""Short ways to write what a bank sends, in the formats that it is read in."""


def a_csv(account, rows):
    """Return a table: rows of end-to-end id, signed amount, bank's reference, text, return code."""
    head = "account,booking date,amount,currency,end-to-end id,bank reference,details,return reason"
    lines = [head]
    for end_to_end_id, amount, reference, *more in rows:
        text, code = [*more, "", ""][:2]
        amount = f'"{amount}"' if "," in amount else amount
        lines.append(
            f"{account},2025-07-02,{amount},CNY,{end_to_end_id},{reference},{text},{code}"
        )
    return "\n".join(lines).encode()


def an_mt940(account, debits):
    """Return a statement of debits: owner's reference, and amount with a comma."""
    lines = [":20:ST1", f":25:{account}", ":28C:1/1", ":60F:C250702CNY0,00"]
    for number, (reference, amount) in enumerate(debits, start=1):
        lines += [f":61:2507020702D{amount}NTRF{reference}//BK{number}", ":86:grant"]
    total = sum(int(amount.replace(",", "")) for _reference, amount in debits)
    lines += [f":62F:D250702CNY{total // 100},{total % 100:02}", "-", ""]
    return "\r\n".join(lines).encode()


def as_notice(statement):
    """Return a camt.053 as the camt.054 of the same entries."""
    text = statement.decode()
    while "<Bal>" in text:
        start = text.index("<Bal>")
        end = text.index("</Bal>") + len("</Bal>")
        text = text[:start] + text[end:]
    return (
        text.replace("camt.053", "camt.054")
        .replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn")
        .replace("<Stmt>", "<Ntfctn>")
        .replace("</Stmt>", "</Ntfctn>")
        .encode()
    )


def a_report(batch, items, *, group="", code="", total="", number="RPT-1", version="001.10"):
    """Return a pain.002 on a batch's file: items of id, status, code, amount, bank's reference."""
    head = (
        f"<OrgnlMsgId>{batch.code}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        + (f"<OrgnlCtrlSum>{total}</OrgnlCtrlSum>" if total else "")
        + (f"<GrpSts>{group}</GrpSts>" if group else "")
        + _reason(code)
    )
    body = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts>{_reason(reason)}"
        + (f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else "")
        + f'<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{amount}</InstdAmt></Amt></OrgnlTxRef>'
        "</TxInfAndSts>"
        for end_to_end_id, status, reason, amount, reference in items
    )
    batches = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch.code}</OrgnlPmtInfId>{body}"
        "</OrgnlPmtInfAndSts>"
        if body
        else ""
    )
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.{version}"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>{number}</MsgId><CreDtTm>2025-07-02T10:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts>{head}</OrgnlGrpInfAndSts>{batches}</CstmrPmtStsRpt></Document>"
    ).encode()


def _reason(code):
    return f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else ""
