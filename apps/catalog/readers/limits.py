"""How large an uploaded file and its parts may be, and why.

Every limit is there so that a hostile or mistaken file costs bounded memory; breaking one is a
sentence for the user, never a crash. They are far above what the product is used with.
"""

MB = 1 << 20

MAX_RECORD_BYTES = 4 * MB  # one row: room for a text or an image beside the other columns
MAX_TEXT_BYTES = 1 * MB  # the text or image of one item, shown on one labelling page
MAX_TEXT_TOTAL_BYTES = 256 * MB  # all texts (or images) of a dataset: they are held in memory
MAX_NAME_CHARS = 200  # ids, models and classes are shown in tables and kept in indexed columns
MAX_COLUMNS = 5_001  # 5,000 models side by side and the item id
MAX_MODELS = 5_000
MAX_ITEMS = 1_000_000
MAX_CLASSES = 32_000  # codes fit int16; ImageNet-21k fits
MAX_CELLS = 50_000_000  # models x items: 100 MB as int16
MAX_ROWS = 50_000_000  # rows of a file: one prediction each at most
MAX_LABELS = 5_000_000  # labels come from people; held as text
MAX_BLANK_ROWS = 100_000  # their places are remembered, to number the rows as a spreadsheet does
MAX_UNPACKED_BYTES = 4_096 * MB  # Parquet: all columns unpacked
MAX_ROW_GROUP_BYTES = 512 * MB  # Parquet: what is in memory at one time
MAX_OUTCOMES = 5_000_000  # prompts x models: five measures each, 8 bytes a piece
MAX_ARCHIVE_FILES = 10_000  # .zip: members, whatever they are
MAX_JSON_BYTES = 64 * MB  # a JSON array of records is parsed whole
MAX_ARRAY_BYTES = 512 * MB  # .npz: one array, which is loaded whole
MAX_SMALL_FILE_BYTES = 16 * MB  # JSON price lists are parsed whole
MAX_IMAGE_PIXELS = 4_000_000  # an item's picture on a labelling page
MAX_FLOAT_CLASSES = 1_000  # more distinct decimals than this are numbers, not classes
PREVIEW_ROWS = 20
SAMPLE_BYTES = 256 * 1024  # what sniffing looks at
BLOCK_BYTES = 1 * MB  # read at one time; a row longer than this makes it grow
MAX_PROBLEMS = 100  # shown; all are counted
