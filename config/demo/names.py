"""The made-up organisations of the demo; none of them exists."""

from typing import NamedTuple


class Name(NamedTuple):
    """An organisation's kind, its names, and the beginning of its person's address."""

    kind: str
    name: str
    name_zh: str
    slug: str


# The two that ask for the same and deliver differently come first.
CHINA = (
    Name("SME", "Jasmine Robotics", "茉莉机器人", "jasmine"),
    Name("SME", "Lychee Robotics", "荔枝机器人", "lychee"),
    Name("LABORATORY", "Kingfisher Vision Laboratory", "翠鸟视觉实验室", "kingfisher"),
    Name("SME", "Osmanthus Vision", "桂花视觉", "osmanthus"),
    Name("UNIVERSITY", "Imaginary University of the South", "南方虚构大学", "imaginary"),
    Name("SME", "Paper Kite Maps", "纸鸢地图", "paperkite"),
    Name("SME", "Bamboo Speech", "翠竹语音", "bamboo"),
    Name("SME", "Teacup Translation", "茶杯翻译", "teacup"),
    Name("LABORATORY", "Porcelain Materials Laboratory", "青瓷材料实验室", "porcelain"),
    Name("UNIVERSITY", "River Bend University", "河湾虚构大学", "riverbend"),
    Name("SME", "Lotus Imaging", "莲花影像", "lotus"),
    Name("SME", "Kapok Energy", "木棉能源", "kapok"),
    Name("SME", "Pomelo Games", "柚子游戏", "pomelo"),
    Name("LABORATORY", "Firefly Chemistry Laboratory", "萤火化学实验室", "firefly"),
    Name("UNIVERSITY", "Green Terrace University", "梯田虚构大学", "terrace"),
    Name("SME", "Mango Logistics", "芒果物流", "mango"),
    Name("SME", "Banyan Health", "榕树健康", "banyan"),
    Name("LABORATORY", "Willow Language Laboratory", "垂柳语言实验室", "willow"),
    Name("SME", "Egret Weather", "白鹭气象", "egret"),
    Name("UNIVERSITY", "Cloud Bridge Polytechnic", "云桥虚构理工学院", "cloudbridge"),
    Name("SME", "Cicada Audio", "知了音频", "cicada"),
    Name("LABORATORY", "Carp Fluid Laboratory", "锦鲤流体实验室", "carp"),
    Name("SME", "Ginger Ledgers", "生姜账本", "ginger"),
    Name("SME", "Plum Rain Water", "梅雨水务", "plumrain"),
    Name("UNIVERSITY", "Seven Stars Medical School", "七星虚构医学院", "sevenstars"),
    Name("LABORATORY", "Peony Plant Laboratory", "牡丹植物实验室", "peony"),
    Name("SME", "Silkworm Textiles", "春蚕纺织", "silkworm"),
    Name("UNIVERSITY", "Stone Bridge College", "石桥虚构学院", "stonebridge"),
)
BRITAIN = (
    Name("SME", "Acorn Pretend Proteins", "", "acorn"),
    Name("LABORATORY", "Gorse Imaginary Vision Laboratory", "", "gorse"),
    Name("UNIVERSITY", "University of Nowhere-on-Sea", "", "nowhere"),
    Name("SME", "Bramble Makebelieve Robotics", "", "bramble"),
    Name("SME", "Clover Pretend Climate", "", "clover"),
    Name("LABORATORY", "Heather Imaginary Materials Laboratory", "", "heather"),
    Name("UNIVERSITY", "Invented University of Mossdale", "", "mossdale"),
    Name("SME", "Daisy Pretend Diagnostics", "", "daisy"),
    Name("SME", "Elder Makebelieve Speech", "", "elder"),
    Name("LABORATORY", "Ivy Imaginary Ocean Laboratory", "", "ivy"),
    Name("UNIVERSITY", "Fenwick Pretend College", "", "fenwick"),
    Name("SME", "Fern Makebelieve Forecasts", "", "fern"),
)


class Stall(NamedTuple):
    """A provider's names and what it sells at which rate an hour; `rank` is that of Zipf's law."""

    name: str
    name_zh: str
    slug: str
    country: str
    rank: int
    resource_class: str
    rate: str


STALLS = (
    Stall("Red Panda Compute", "小熊猫算力", "redpanda", "CN", 1, "H100", "16.00"),
    Stall("Crane Cloud", "仙鹤云", "crane", "CN", 2, "A100", "12.50"),
    Stall("Badger Pretend Compute", "", "badger", "GB", 3, "H100", "2.10"),
    Stall("Tortoise Data Centre", "玄龟数据中心", "tortoise", "CN", 4, "H100", "17.20"),
    Stall("Swallow Accelerators", "燕子加速", "swallow", "CN", 5, "A100", "11.80"),
    Stall("Otter Makebelieve Cloud", "", "otter", "GB", 6, "H100", "2.35"),
)
